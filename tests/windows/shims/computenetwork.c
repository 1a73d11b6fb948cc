/* Stands in for computenetwork.dll, which Wine lacks: the HCN calls the launcher makes, with documents in HCN's form.
   Endpoint n and namespace n belong together; in the namespace is container-n. */
#include "compartments.h"
#include <objbase.h>

#define NOT_FOUND ((HRESULT)0x803B0002)
#define BROKEN ((HRESULT)0x80070422)

static const char *endpoint = "{\"ID\":\"%08X-0000-0000-0000-0000000000E0\",\"HostComputeNamespace\":\"%08X-0000-0000-0000-0000000000A0\",\"IpConfigurations\":[{\"IpAddress\":\"%s\",\"PrefixLength\":24}],\"SchemaVersion\":{\"Major\":2,\"Minor\":14}}";
static const char *namespace_ = "{\"ID\":\"%08X-0000-0000-0000-0000000000A0\",\"NamespaceId\":%u,\"Type\":\"HostDefault\",\"Resources\":[{\"Type\":\"Container\",\"Data\":{\"Id\":\"container-%u\"}}],\"SchemaVersion\":{\"Major\":2,\"Minor\":14}}";
static unsigned asked[MOST];

static WCHAR *give(const char *text)
{
    size_t length = strlen(text) + 1, i;
    WCHAR *given = CoTaskMemAlloc(2 * length);
    for (i = 0; i < length; i++) given[i] = (unsigned char)text[i];
    return given;
}

static HRESULT refuse(WCHAR **error)
{
    if (error) *error = give("{\"Success\":false,\"Error\":\"The HNS service is not running.\"}");
    return BROKEN;
}

static HRESULT enumerate(const char *kind, WCHAR **text, WCHAR **error)
{
    struct entry entries[MOST];
    char list[MOST * 48] = "[";
    int i, count = read_node(entries);
    if (error) *error = NULL;
    if (hcn_fails) return refuse(error);
    for (i = 0; i < count; i++)
        sprintf(list + strlen(list), "%s\"%08X-0000-0000-0000-0000000000%s\"", i ? "," : "", i + 1, kind);
    strcat(list, "]");
    *text = give(list);
    return 0;
}

static HRESULT open_one(const GUID *id, void **handle, WCHAR **error)
{
    struct entry entries[MOST];
    int count = read_node(entries);
    if (error) *error = NULL;
    if (hcn_fails) return refuse(error);
    if (id->Data1 < 1 || id->Data1 > (unsigned)count || entries[id->Data1 - 1].vanished) return NOT_FOUND;
    *handle = (void *)(ULONG_PTR)id->Data1;
    return 0;
}

#define DLL __declspec(dllexport) HRESULT WINAPI

DLL HcnEnumerateEndpoints(const WCHAR *query, WCHAR **text, WCHAR **error) { return enumerate("E0", text, error); }
DLL HcnEnumerateNamespaces(const WCHAR *query, WCHAR **text, WCHAR **error) { return enumerate("A0", text, error); }
DLL HcnOpenEndpoint(const GUID *id, void **handle, WCHAR **error) { return open_one(id, handle, error); }
DLL HcnOpenNamespace(const GUID *id, void **handle, WCHAR **error) { return open_one(id, handle, error); }
DLL HcnCloseEndpoint(void *handle) { return 0; }
DLL HcnCloseNamespace(void *handle) { return 0; }

DLL HcnQueryEndpointProperties(void *handle, const WCHAR *query, WCHAR **text, WCHAR **error)
{
    struct entry entries[MOST];
    unsigned n = (unsigned)(ULONG_PTR)handle;
    char document[512];
    read_node(entries);
    if (error) *error = NULL;
    sprintf(document, endpoint, n, n, entries[n - 1].ip);
    *text = give(document);
    return 0;
}

DLL HcnQueryNamespaceProperties(void *handle, const WCHAR *query, WCHAR **text, WCHAR **error)
{
    struct entry entries[MOST];
    unsigned n = (unsigned)(ULONG_PTR)handle;
    char document[512];
    read_node(entries);
    if (error) *error = NULL;
    sprintf(document, namespace_, n, asked[n - 1]++ < entries[n - 1].zeros ? 0 : entries[n - 1].id, n);
    note("HcnQueryNamespaceProperties %u", n);
    *text = give(document);
    return 0;
}
