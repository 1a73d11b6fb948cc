/* Stands in for iphlpapi.dll: the compartment calls that Wine lacks, all others are passed on to Wine's own.

   It records its calls, so that tests see what the launcher requested and in what order; it separates no network.
   It proves only the launcher's side. A job's compartment is kept in memory that all processes share; a process finds
   its own by querying Wine whether it is in that job. */
#include "compartments.h"
#include <iphlpapi.h>

#define SLOTS 64

struct slot { volatile LONG used; DWORD owner; ULONG_PTR job; DWORD id; };

static struct slot *slots;
static DWORD tls;
static ULONG (WINAPI *wine_adapters)(ULONG, ULONG, void *, IP_ADAPTER_ADDRESSES *, ULONG *);

static int exists(unsigned id)
{
    struct entry entries[MOST];
    int i, count = read_node(entries);
    if (id <= 1) return 1;
    for (i = 0; i < count; i++) if (entries[i].id == id) return 1;
    return 0;
}

static DWORD of_own_job(void)
{
    int i;
    for (i = 0; slots && i < SLOTS; i++) {
        HANDLE owner, job;
        BOOL inside = FALSE;
        if (!slots[i].used) continue;
        owner = OpenProcess(PROCESS_DUP_HANDLE, FALSE, slots[i].owner);
        if (!owner) continue;
        if (DuplicateHandle(owner, (HANDLE)slots[i].job, GetCurrentProcess(), &job, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
            IsProcessInJob(GetCurrentProcess(), job, &inside);
            CloseHandle(job);
        }
        CloseHandle(owner);
        if (inside) return slots[i].id;
    }
    return 0;
}

NET_IF_COMPARTMENT_ID WINAPI GetDefaultCompartmentId(void) { return 1; }

NET_IF_COMPARTMENT_ID WINAPI GetCurrentThreadCompartmentId(void)
{
    DWORD id = (DWORD)(ULONG_PTR)TlsGetValue(tls);
    if (!id) id = of_own_job();
    return id ? id : 1;
}

DWORD WINAPI SetCurrentThreadCompartmentId(NET_IF_COMPARTMENT_ID id)
{
    note("SetCurrentThreadCompartmentId %u", id);
    if (!exists(id)) return ERROR_NOT_FOUND;
    TlsSetValue(tls, (void *)(ULONG_PTR)(id == 1 ? 0 : id));
    return 0;
}

NET_IF_COMPARTMENT_ID WINAPI GetJobCompartmentId(HANDLE job)
{
    int i;
    for (i = 0; slots && i < SLOTS; i++)
        if (slots[i].used && slots[i].owner == GetCurrentProcessId() && slots[i].job == (ULONG_PTR)job) return slots[i].id;
    return 1;
}

DWORD WINAPI SetJobCompartmentId(HANDLE job, NET_IF_COMPARTMENT_ID id)
{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION accounting = {0};
    int i, free_slot = -1;
    QueryInformationJobObject(job, JobObjectBasicAccountingInformation, &accounting, sizeof accounting, NULL);
    note("SetJobCompartmentId %u with %lu processes", id, accounting.ActiveProcesses);
    if (!exists(id)) return ERROR_NOT_FOUND;
    if (job_refused) return job_refused;
    for (i = 0; i < SLOTS; i++) {
        if (slots[i].used && slots[i].owner == GetCurrentProcessId() && slots[i].job == (ULONG_PTR)job) { free_slot = i; break; }
        if (!slots[i].used && free_slot < 0) free_slot = i;
    }
    if (free_slot < 0) return ERROR_OUTOFMEMORY;
    slots[free_slot].owner = GetCurrentProcessId();
    slots[free_slot].job = (ULONG_PTR)job;
    slots[free_slot].id = id;
    slots[free_slot].used = 1;
    return 0;
}

static void place(IP_ADAPTER_ADDRESSES *adapter, struct entry *entries, int count)
{
    IP_ADAPTER_UNICAST_ADDRESS *one;
    adapter->CompartmentId = 1;
    for (one = adapter->FirstUnicastAddress; one; one = one->Next) {
        struct sockaddr *address = one->Address.lpSockaddr;
        int i;
        for (i = 0; i < count; i++) {
            if (address->sa_family != AF_INET) continue;
            if (((struct sockaddr_in *)address)->sin_addr.s_addr != inet_addr(entries[i].ip)) continue;
            adapter->CompartmentId = entries[i].id;
            adapter->OperStatus = IfOperStatusUp;
            one->DadState = entries[i].tentative ? IpDadStateTentative : IpDadStatePreferred;
        }
    }
}

ULONG WINAPI GetAdaptersAddresses(ULONG family, ULONG flags, void *reserved, IP_ADAPTER_ADDRESSES *list,
                                  ULONG *size)
{
    struct entry entries[MOST];
    int count = read_node(entries);
    ULONG code;
    IP_ADAPTER_ADDRESSES *adapter;
    if (!wine_adapters) wine_adapters = (void *)GetProcAddress(LoadLibraryA("wineiphl.dll"), "GetAdaptersAddresses");
    code = wine_adapters(family, flags & ~GAA_FLAG_INCLUDE_ALL_COMPARTMENTS, reserved, list, size);
    for (adapter = code ? NULL : list; adapter; adapter = adapter->Next) place(adapter, entries, count);
    return code;
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    HANDLE memory;
    DWORD id;
    if (reason != DLL_PROCESS_ATTACH) return TRUE;
    tls = TlsAlloc();
    memory = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, SLOTS * sizeof(struct slot), "mooring-shim-jobs");
    slots = MapViewOfFile(memory, FILE_MAP_ALL_ACCESS, 0, 0, 0);
    id = of_own_job();
    if (id) note("begins in %lu", id);
    return TRUE;
}
