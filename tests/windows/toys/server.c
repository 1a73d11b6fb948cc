/* A small, ordinary HTTP server: it knows nothing about mooring, pods or compartments.
   `server PORT [START_DELAY_MS [ignore]]` answers with its process id and the address that the request reached, `/slow?MS`
   after MS milliseconds. CTRL_C and CTRL_BREAK let requests in flight finish and end it with 0; with `ignore` nothing
   does. */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile LONG in_flight, stopping;
static SOCKET listener;

static DWORD WINAPI answer(void *client)
{
    SOCKET s = (SOCKET)client;
    char request[4096] = "", body[128], head[256];
    const char *slow;
    struct sockaddr_in own;
    int length = sizeof own, got = recv(s, request, sizeof request - 1, 0);
    request[got > 0 ? got : 0] = 0;
    slow = strstr(request, "/slow?");
    if (slow) Sleep(atoi(slow + 6));
    getsockname(s, (struct sockaddr *)&own, &length);
    sprintf(body, "served by process %lu on %s\n", GetCurrentProcessId(), inet_ntoa(own.sin_addr));
    sprintf(head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", (int)strlen(body));
    send(s, head, (int)strlen(head), 0);
    send(s, body, (int)strlen(body), 0);
    shutdown(s, SD_SEND);
    while (recv(s, request, sizeof request, 0) > 0) ;
    closesocket(s);
    InterlockedDecrement(&in_flight);
    return 0;
}

static BOOL WINAPI on_event(DWORD event)
{
    printf("stopping\n");
    fflush(stdout);
    stopping = 1;
    closesocket(listener);
    return TRUE;
}

static BOOL WINAPI on_event_ignore(DWORD event) { return TRUE; }

int main(int argc, char **argv)
{
    WSADATA data;
    struct sockaddr_in address = {0};
    WSAStartup(MAKEWORD(2, 2), &data);
    SetConsoleCtrlHandler(argc > 3 ? on_event_ignore : on_event, TRUE);
    Sleep(argc > 2 ? atoi(argv[2]) : 0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_family = AF_INET;
    address.sin_port = htons((u_short)atoi(argc > 1 ? argv[1] : "8080"));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) {
        printf("cannot listen: %d\n", WSAGetLastError());
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        SOCKET client = accept(listener, NULL, NULL);
        if (client == INVALID_SOCKET) break;
        InterlockedIncrement(&in_flight);
        CloseHandle(CreateThread(NULL, 0, answer, (void *)client, 0, NULL));
    }
    while (in_flight > 0) Sleep(10);
    printf("stopped\n");
    fflush(stdout);
    return stopping ? 0 : 1;
}
