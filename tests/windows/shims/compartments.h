/* What both shims know about this simulated node, read again at each call from C:\shim\node.txt. A line of it:

       ID IP [zero=N] [tentative] [vanished]

   The compartment ID has the address IP. With zero=N HCN says 0 in place of ID the first N times a process queries it; with
   tentative the address is not Preferred; a vanished endpoint can be enumerated and not be opened. A line `hcn-fails`
   makes every HCN call fail; `job-refused=CODE` makes SetJobCompartmentId return that code. */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODE_FILE "C:\\shim\\node.txt"
#define LOG_FILE "C:\\shim\\calls.txt"
#define MOST 16

struct entry {
    unsigned id, zeros, tentative, vanished;
    char ip[64];
};

static int hcn_fails;
static DWORD job_refused;

static int read_node(struct entry *entries)
{
    FILE *file = fopen(NODE_FILE, "r");
    char line[256];
    int count = 0;
    hcn_fails = 0;
    job_refused = 0;
    if (!file) return 0;
    while (count < MOST && fgets(line, sizeof line, file)) {
        struct entry *e = &entries[count];
        const char *zeros = strstr(line, "zero=");
        memset(e, 0, sizeof *e);
        if (!strncmp(line, "hcn-fails", 9)) { hcn_fails = 1; continue; }
        if (!strncmp(line, "job-refused=", 12)) { job_refused = strtoul(line + 12, NULL, 0); continue; }
        if (sscanf(line, "%u %63s", &e->id, e->ip) != 2) continue;
        if (zeros) e->zeros = atoi(zeros + 5);
        e->tentative = strstr(line, "tentative") != NULL;
        e->vanished = strstr(line, "vanished") != NULL;
        count++;
    }
    fclose(file);
    return count;
}

/* One line `pid tid call`, appended in one piece, whichever other process writes. */
static void note(const char *format, ...)
{
    char text[256];
    DWORD written;
    va_list values;
    int length = sprintf(text, "%lu %lu ", GetCurrentProcessId(), GetCurrentThreadId());
    HANDLE file;
    va_start(values, format);
    length += vsnprintf(text + length, sizeof text - length - 2, format, values);
    va_end(values);
    text[length++] = '\n';
    file = CreateFileA(LOG_FILE, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    WriteFile(file, text, length, &written, NULL);
    CloseHandle(file);
}
