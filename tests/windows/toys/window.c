/* A program with a window and no console. WM_CLOSE ends it with 5; `window ignore` ends on nothing. It reports by
   files in its working directory, as a window has no standard output. */
#include <windows.h>
#include <stdio.h>
#include <string.h>

static int ignores;

static LRESULT CALLBACK handle(HWND window, UINT message, WPARAM w, LPARAM l)
{
    if (message == WM_CLOSE) {
        if (!ignores) PostQuitMessage(5);
        return 0;
    }
    return DefWindowProcW(window, message, w, l);
}

int WINAPI WinMain(HINSTANCE instance, HINSTANCE previous, char *command, int show)
{
    WNDCLASSW class = {0};
    MSG message;
    ignores = strstr(command, "ignore") != NULL;
    class.lpfnWndProc = handle;
    class.hInstance = instance;
    class.lpszClassName = L"toy";
    RegisterClassW(&class);
    if (!CreateWindowW(L"toy", L"toy", WS_OVERLAPPEDWINDOW, 0, 0, 100, 100, NULL, NULL, instance, NULL)) return 3;
    {
        HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
        DWORD written;
        WriteFile(out, "ready\n", 6, &written, NULL);
    }
    while (GetMessageW(&message, NULL, 0, 0) > 0) DispatchMessageW(&message);
    return (int)message.wParam;
}
