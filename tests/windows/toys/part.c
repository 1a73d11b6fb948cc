/* A DLL that refuses to start, like one that lacks a driver or the right to a desktop. */
#include <windows.h>

__declspec(dllexport) int part(void) { return 0; }

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved) { return FALSE; }
