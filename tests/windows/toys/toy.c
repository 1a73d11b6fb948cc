/* Programs of one file, each by its first argument: what a Windows console program may do to a launcher. */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <io.h>
#include <fcntl.h>

int _dowildcard = 0;  /* or this C run-time takes * and ? for names of files */

static void say(const char *text) { printf("%s\n", text); fflush(stdout); }

static void print_utf8(const wchar_t *text)
{
    static char bytes[200000];
    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, NULL, NULL);
    fwrite(bytes, 1, strlen(bytes), stdout);  /* this printf gives up on long ones */
}

/* Prints each argument as its UTF-16 units in hex, as this program's own C run-time split them. */
static int print_args(int argc, wchar_t **argv)
{
    int i;
    for (i = 2; i < argc; i++) {
        const wchar_t *c;
        for (c = argv[i]; *c; c++) printf("%04x", *c);
        printf("\n");
    }
    return 0;
}

/* The same from a command line on each line of standard input: of hex units, split by CommandLineToArgvW. */
static int split_lines(void)
{
    static char line[400000];
    static wchar_t command[100000];
    while (fgets(line, sizeof line, stdin)) {
        int i, count = 0, n = 0;
        wchar_t **argv;
        for (i = 0; line[i] > ' '; i += 4) {
            char digits[5] = {line[i], line[i + 1], line[i + 2], line[i + 3], 0};
            command[n++] = (wchar_t)strtoul(digits, NULL, 16);
        }
        command[n] = 0;
        argv = CommandLineToArgvW(command, &count);
        for (i = 1; i < count; i++) {
            const wchar_t *c;
            printf(i > 1 ? " " : "");
            printf("=");
            for (c = argv[i]; *c; c++) printf("%04x", *c);
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int recurse(volatile char *above)
{
    volatile char here[4096];
    here[0] = *above;
    return recurse(here) + here[0];
}
#pragma GCC diagnostic pop

/* Ends by an unhandled exception: a real one of the processor or of the heap, or RaiseException of a code. */
static int crash(const wchar_t *kind)
{
    volatile int nought = 0;
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    if (!wcscmp(kind, L"access")) *(volatile int *)8 = 1;
    if (!wcscmp(kind, L"divide")) return 7 / nought;
    if (!wcscmp(kind, L"illegal")) __asm__ volatile("ud2");
    if (!wcscmp(kind, L"breakpoint")) __asm__ volatile("int3");
    if (!wcscmp(kind, L"assertion")) __asm__ volatile("int $0x2c");
    if (!wcscmp(kind, L"fail-fast")) __asm__ volatile("int $0x29" : : "c"(7));
    if (!wcscmp(kind, L"stack")) return recurse((volatile char *)&nought);
    if (!wcscmp(kind, L"memory")) HeapAlloc(GetProcessHeap(), HEAP_GENERATE_EXCEPTIONS, (SIZE_T)-64);
    RaiseException((DWORD)wcstoul(kind, NULL, 0), EXCEPTION_NONCONTINUABLE, 0, NULL);
    return 0;
}

static int write_bytes(int mebibytes)
{
    static unsigned char block[1 << 20];
    int i, n;
    for (i = 0; i < (1 << 20); i++) block[i] = (unsigned char)(i * 31 + (i >> 8));
    _setmode(1, _O_BINARY);
    for (n = 0; n < mebibytes; n++) { block[0] = (unsigned char)n; fwrite(block, 1, sizeof block, stdout); }
    fflush(stdout);
    return 0;
}

static int write_line(int characters)
{
    _setmode(1, _O_BINARY);
    while (characters--) putchar('x');
    putchar('\n');
    fflush(stdout);
    return 0;
}

static PROCESS_INFORMATION start(const wchar_t *mode, DWORD flags)
{
    static wchar_t self[MAX_PATH], command[1024];
    STARTUPINFOW info = {sizeof info};
    PROCESS_INFORMATION made = {0};
    GetModuleFileNameW(NULL, self, MAX_PATH);
    swprintf(command, 1024, L"\"%ls\" %ls", self, mode);
    info.dwFlags = STARTF_USESTDHANDLES;  /* its own console would bring its own handles */
    info.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    info.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    info.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    CreateProcessW(self, command, NULL, NULL, TRUE, flags, NULL, NULL, &info, &made);
    return made;
}

/* A start program: starts this file with the words from `first` on, next to it or at its own console, and ends. */
static int leave(int argc, wchar_t **argv, int first, DWORD flags)
{
    static wchar_t words[512];
    int i;
    for (i = first; i < argc; i++) { wcscat(words, argv[i]); wcscat(words, L" "); }
    start(words, flags);
    return 0;
}

static DWORD (WINAPI *own_compartment)(void);

static DWORD WINAPI tell_compartment(void *who)
{
    printf("%s %lu\n", (const char *)who, own_compartment());
    fflush(stdout);
    return 0;
}

/* Prints the compartment of its first thread, of a later one, and of a grandchild. */
static int tell_compartments(int depth)
{
    HANDLE thread;
    own_compartment = (void *)GetProcAddress(LoadLibraryA("iphlpapi.dll"), "GetCurrentThreadCompartmentId");
    tell_compartment(depth ? "grandchild" : "main");
    thread = CreateThread(NULL, 0, tell_compartment, depth ? "grandchild-thread" : "thread", 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    if (!depth) WaitForSingleObject(start(L"compartment 1", 0).hProcess, INFINITE);
    return 0;
}

static int stop_how;

static BOOL WINAPI on_event(DWORD event)
{
    printf("event %lu\n", event);
    fflush(stdout);
    if (stop_how == 'i') return TRUE;
    Sleep(stop_how == 's' ? 1000 : 0);
    printf("stopped\n");
    fflush(stdout);
    ExitProcess(7);
}

/* Runs until it is asked to end: `wait`, `wait ignore` ends on nothing, `wait slow` takes a second. */
static int run_until_event(const wchar_t *how)
{
    stop_how = how ? (char)how[0] : 0;
    SetConsoleCtrlHandler(on_event, TRUE);
    say("ready");
    for (;;) Sleep(1000);
    return 0;
}

static volatile LONG events;

static BOOL WINAPI count_event(DWORD event) { return InterlockedIncrement(&events) > 0; }

/* Starts one at this console and one at another, waits for both, and ends with the sum of their codes and 100 for each
   event it got itself. */
static int wait_for_both(void)
{
    HANDLE made[2] = {start(L"wait", 0).hProcess, start(L"wait", CREATE_NO_WINDOW).hProcess};
    DWORD one = 0, other = 0;
    SetConsoleCtrlHandler(count_event, TRUE);
    WaitForMultipleObjects(2, made, TRUE, INFINITE);
    Sleep(500);
    GetExitCodeProcess(made[0], &one);
    GetExitCodeProcess(made[1], &other);
    return (int)(one + other + 100 * events);
}

static int leak_handles(int count)
{
    while (count--) CreateEventW(NULL, FALSE, FALSE, NULL);
    say("ready");
    for (;;) Sleep(1000);
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    const wchar_t *mode = argc > 1 ? argv[1] : L"", *value = argc > 2 ? argv[2] : NULL;
    int number = value ? _wtoi(value) : 0;
    if (!wcscmp(mode, L"args")) return print_args(argc, argv);
    if (!wcscmp(mode, L"split")) return split_lines();
    if (!wcscmp(mode, L"exit")) ExitProcess((UINT)wcstoul(value, NULL, 0));
    if (!wcscmp(mode, L"crash")) return crash(value);
    if (!wcscmp(mode, L"bytes")) return write_bytes(number);
    if (!wcscmp(mode, L"line")) return write_line(number);
    if (!wcscmp(mode, L"env")) {
        static wchar_t text[32767];
        SetLastError(0);
        if (!GetEnvironmentVariableW(value, text, 32767) && GetLastError()) { say("(not set)"); return 1; }
        printf("="); print_utf8(text); printf("\n");
        return 0;
    }
    if (!wcscmp(mode, L"compartment")) return tell_compartments(number);
    if (!wcscmp(mode, L"wait")) return run_until_event(value);
    if (!wcscmp(mode, L"later")) { Sleep(number); ExitProcess((UINT)wcstoul(argv[3], NULL, 0)); }
    if (!wcscmp(mode, L"leave")) { leave(argc, argv, 3, 0); ExitProcess((UINT)number); }
    if (!wcscmp(mode, L"leave-apart")) { leave(argc, argv, 3, CREATE_NO_WINDOW); ExitProcess((UINT)number); }
    if (!wcscmp(mode, L"both")) return wait_for_both();
    if (!wcscmp(mode, L"leak")) return leak_handles(number);
    if (!wcscmp(mode, L"sleep")) { say("ready"); Sleep(INFINITE); }
    if (!wcscmp(mode, L"fork")) {  /* children that outlive it if they may */
        for (number = number ? number : 3; number; number--) start(L"sleep", 0);
        say("forked");
        return 0;
    }
    if (!wcscmp(mode, L"daemonise")) {  /* tries to leave job, console and process group */
        PROCESS_INFORMATION made = start(L"sleep", CREATE_BREAKAWAY_FROM_JOB | DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
        if (!made.hProcess) {
            printf("breakaway refused: %lu\n", GetLastError());
            made = start(L"sleep", DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
        }
        say(made.hProcess ? "daemonised" : "could not");
        return 0;
    }
    fprintf(stderr, "unknown: %ls\n", mode);
    return 2;
}
