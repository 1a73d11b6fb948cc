"""The structures and constants of Windows that the backend uses, for 64 bits. Safe to import anywhere.

Every size, offset and value is compared with the compiler's own by tests/windows/test_layouts.py. Types have fixed
widths, as ctypes.wintypes has those of the platform it runs on. One module, long as it is: a table of constants, held
as a whole to the headers.
"""

from ctypes import Structure, c_byte, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p

DWORD = c_uint32
BOOL = c_int32
HANDLE = c_void_p
WORD = c_uint16

# winbase.h, winnt.h: starting a process
STARTF_USESTDHANDLES = 0x100
CREATE_NEW_PROCESS_GROUP = 0x200
CREATE_UNICODE_ENVIRONMENT = 0x400
EXTENDED_STARTUPINFO_PRESENT = 0x80000
CREATE_NO_WINDOW = 0x8000000
PROC_THREAD_ATTRIBUTE_HANDLE_LIST = 0x20002
PROC_THREAD_ATTRIBUTE_JOB_LIST = 0x2000D
DUPLICATE_SAME_ACCESS = 2
STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE = 0xFFFFFFF6, 0xFFFFFFF5, 0xFFFFFFF4
INFINITE = 0xFFFFFFFF
WAIT_OBJECT_0, WAIT_TIMEOUT = 0, 258

# winnt.h: jobs
JOB_OBJECT_BASIC_ACCOUNTING_INFORMATION = 1
JOB_OBJECT_BASIC_PROCESS_ID_LIST = 3
JOB_OBJECT_ASSOCIATE_COMPLETION_PORT_INFORMATION = 7
JOB_OBJECT_EXTENDED_LIMIT_INFORMATION = 9
JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000
JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO = 4
JOB_OBJECT_MSG_NEW_PROCESS = 6
JOB_OBJECT_MSG_EXIT_PROCESS = 7
JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS = 8
PROCESS_QUERY_INFORMATION = 0x400
SYNCHRONIZE = 0x100000

# winnt.h, fileapi.h, winbase.h: files and pipes
GENERIC_READ, GENERIC_WRITE = 0x80000000, 0x40000000
FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_SHARE_DELETE = 1, 2, 4
OPEN_EXISTING = 3
FILE_FLAG_FIRST_PIPE_INSTANCE = 0x80000
FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT = 0x2000000, 0x200000
FILE_WRITE_DATA, FILE_APPEND_DATA, FILE_DELETE_CHILD = 0x2, 0x4, 0x40
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER = 0x10000, 0x20000, 0x40000, 0x80000
SECURITY_SQOS_PRESENT = 0x100000
SECURITY_IDENTIFICATION = 0x10000
PIPE_ACCESS_DUPLEX = 3
PIPE_REJECT_REMOTE_CLIENTS = 8
PIPE_UNLIMITED_INSTANCES = 255

# wincon.h
CTRL_C_EVENT, CTRL_BREAK_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT = 0, 1, 2, 5, 6

# winuser.h
WM_CLOSE = 0x10

# winerror.h
ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, ERROR_ACCESS_DENIED = 2, 3, 5
ERROR_SHARING_VIOLATION = 32
ERROR_INVALID_PARAMETER = 87
ERROR_BROKEN_PIPE = 109
ERROR_BUFFER_OVERFLOW, ERROR_INSUFFICIENT_BUFFER = 111, 122
ERROR_BAD_EXE_FORMAT = 193
ERROR_PIPE_BUSY = 231
ERROR_NO_DATA = 232
ERROR_MORE_DATA = 234
ERROR_DIRECTORY = 267
ERROR_PIPE_CONNECTED = 535
ERROR_NOT_FOUND = 1168

# ntstatus.h
STATUS_NOT_FOUND = 0xC0000225
STATUS_CONTROL_C_EXIT = 0xC000013A

# ws2def.h, ipifcons.h, nldef.h, iptypes.h, tcpmib.h, iprtrmib.h
AF_UNSPEC, AF_INET, AF_INET6 = 0, 2, 23
GAA_FLAG_INCLUDE_ALL_COMPARTMENTS = 0x200
GAA_FLAG_SKIP_OTHERS = 0x2 | 0x4 | 0x8  # anycast, multicast, DNS servers
IP_DAD_STATE_PREFERRED = 4
IF_OPER_STATUS_UP = 1
TCP_TABLE_OWNER_PID_LISTENER = 3
TCP_TABLE_OWNER_PID_ALL = 5
UDP_TABLE_OWNER_PID = 1
MIB_TCP_STATE_FIN_WAIT1 = 6
MIB_TCP_STATE_CLOSING = 9
MIB_TCP_STATE_LAST_ACK = 10

# winnt.h, winbase.h, accctrl.h: accounts
TOKEN_ALL_ACCESS = 0xF01FF
TOKEN_QUERY = 8
DISABLE_MAX_PRIVILEGE = 1
LOGON32_LOGON_SERVICE = 5
LOGON32_PROVIDER_DEFAULT = 0
WIN_BUILTIN_ADMINISTRATORS_SID = 26
TOKEN_USER = 1
SE_WINDOW_OBJECT = 7
OWNER_SECURITY_INFORMATION, DACL_SECURITY_INFORMATION = 1, 4
GRANT_ACCESS = 1
TRUSTEE_IS_SID = 0
GENERIC_ALL = 0x10000000
CONTAINER_INHERIT_ACE, OBJECT_INHERIT_ACE = 2, 1
SDDL_REVISION_1 = 1

# wintrust.h, wincrypt.h
WTD_UI_NONE = 2
WTD_REVOKE_NONE = 0
WTD_CHOICE_FILE = 1
WTD_STATEACTION_VERIFY, WTD_STATEACTION_CLOSE = 1, 2
WTD_CACHE_ONLY_URL_RETRIEVAL = 0x1000
CERT_NAME_RDN_TYPE = 2
CERT_NAME_ATTR_TYPE = 3
CERT_X500_NAME_STR = 3
TRUST_E_NOSIGNATURE, TRUST_E_BAD_DIGEST = 0x800B0100, 0x80096010
CERT_E_UNTRUSTEDROOT, CERT_E_EXPIRED = 0x800B0109, 0x800B0101
CERT_E_CHAINING = 0x800B010A


class Guid(Structure):
    """GUID."""

    _fields_ = (("Data1", c_uint32), ("Data2", c_uint16), ("Data3", c_uint16), ("Data4", c_uint8 * 8))


class SecurityAttributes(Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (("nLength", DWORD), ("lpSecurityDescriptor", c_void_p), ("bInheritHandle", BOOL))


class StartupInfo(Structure):
    """STARTUPINFOW."""

    _fields_ = (
        ("cb", DWORD),
        ("lpReserved", c_void_p),
        ("lpDesktop", c_void_p),
        ("lpTitle", c_void_p),
        ("dwX", DWORD),
        ("dwY", DWORD),
        ("dwXSize", DWORD),
        ("dwYSize", DWORD),
        ("dwXCountChars", DWORD),
        ("dwYCountChars", DWORD),
        ("dwFillAttribute", DWORD),
        ("dwFlags", DWORD),
        ("wShowWindow", WORD),
        ("cbReserved2", WORD),
        ("lpReserved2", c_void_p),
        ("hStdInput", HANDLE),
        ("hStdOutput", HANDLE),
        ("hStdError", HANDLE),
    )


class StartupInfoEx(Structure):
    """STARTUPINFOEXW."""

    _fields_ = (("StartupInfo", StartupInfo), ("lpAttributeList", c_void_p))


class ProcessInformation(Structure):
    """PROCESS_INFORMATION."""

    _fields_ = (("hProcess", HANDLE), ("hThread", HANDLE), ("dwProcessId", DWORD), ("dwThreadId", DWORD))


class BasicLimitInformation(Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("PerProcessUserTimeLimit", c_int64),
        ("PerJobUserTimeLimit", c_int64),
        ("LimitFlags", DWORD),
        ("MinimumWorkingSetSize", c_uint64),
        ("MaximumWorkingSetSize", c_uint64),
        ("ActiveProcessLimit", DWORD),
        ("Affinity", c_uint64),
        ("PriorityClass", DWORD),
        ("SchedulingClass", DWORD),
    )


class ExtendedLimitInformation(Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION; IO_COUNTERS are six counters of 64 bits."""

    _fields_ = (
        ("BasicLimitInformation", BasicLimitInformation),
        ("IoInfo", c_uint64 * 6),
        ("ProcessMemoryLimit", c_uint64),
        ("JobMemoryLimit", c_uint64),
        ("PeakProcessMemoryUsed", c_uint64),
        ("PeakJobMemoryUsed", c_uint64),
    )


class AssociateCompletionPort(Structure):
    """JOBOBJECT_ASSOCIATE_COMPLETION_PORT."""

    _fields_ = (("CompletionKey", c_void_p), ("CompletionPort", HANDLE))


class BasicAccountingInformation(Structure):
    """JOBOBJECT_BASIC_ACCOUNTING_INFORMATION; times in units of 100 ns."""

    _fields_ = (
        ("TotalUserTime", c_int64),
        ("TotalKernelTime", c_int64),
        ("ThisPeriodTotalUserTime", c_int64),
        ("ThisPeriodTotalKernelTime", c_int64),
        ("TotalPageFaultCount", DWORD),
        ("TotalProcesses", DWORD),
        ("ActiveProcesses", DWORD),
        ("TotalTerminatedProcesses", DWORD),
    )


class BasicProcessIdList(Structure):
    """JOBOBJECT_BASIC_PROCESS_ID_LIST with room for one; more follow."""

    _fields_ = (
        ("NumberOfAssignedProcesses", DWORD),
        ("NumberOfProcessIdsInList", DWORD),
        ("ProcessIdList", c_uint64 * 1),
    )


class SocketAddress(Structure):
    """SOCKET_ADDRESS."""

    _fields_ = (("lpSockaddr", c_void_p), ("iSockaddrLength", c_int32))


class UnicastAddress(Structure):
    """IP_ADAPTER_UNICAST_ADDRESS_LH."""

    _fields_ = (
        ("Length", DWORD),
        ("Flags", DWORD),
        ("Next", c_void_p),
        ("Address", SocketAddress),
        ("PrefixOrigin", c_int32),
        ("SuffixOrigin", c_int32),
        ("DadState", c_int32),
        ("ValidLifetime", DWORD),
        ("PreferredLifetime", DWORD),
        ("LeaseLifetime", DWORD),
        ("OnLinkPrefixLength", c_uint8),
    )


class AdapterAddresses(Structure):
    """IP_ADAPTER_ADDRESSES_LH."""

    _fields_ = (
        ("Length", DWORD),
        ("IfIndex", DWORD),
        ("Next", c_void_p),
        ("AdapterName", c_void_p),
        ("FirstUnicastAddress", c_void_p),
        ("FirstAnycastAddress", c_void_p),
        ("FirstMulticastAddress", c_void_p),
        ("FirstDnsServerAddress", c_void_p),
        ("DnsSuffix", c_void_p),
        ("Description", c_void_p),
        ("FriendlyName", c_void_p),
        ("PhysicalAddress", c_uint8 * 8),
        ("PhysicalAddressLength", DWORD),
        ("Flags", DWORD),
        ("Mtu", DWORD),
        ("IfType", DWORD),
        ("OperStatus", c_int32),
        ("Ipv6IfIndex", DWORD),
        ("ZoneIndices", DWORD * 16),
        ("FirstPrefix", c_void_p),
        ("TransmitLinkSpeed", c_uint64),
        ("ReceiveLinkSpeed", c_uint64),
        ("FirstWinsServerAddress", c_void_p),
        ("FirstGatewayAddress", c_void_p),
        ("Ipv4Metric", DWORD),
        ("Ipv6Metric", DWORD),
        ("Luid", c_uint64),
        ("Dhcpv4Server", SocketAddress),
        ("CompartmentId", DWORD),
        ("NetworkGuid", Guid),
        ("ConnectionType", c_int32),
        ("TunnelType", c_int32),
        ("Dhcpv6Server", SocketAddress),
        ("Dhcpv6ClientDuid", c_byte * 130),
        ("Dhcpv6ClientDuidLength", DWORD),
        ("Dhcpv6Iaid", DWORD),
        ("FirstDnsSuffix", c_void_p),
    )


class TcpRow(Structure):
    """MIB_TCPROW_OWNER_PID; addresses and ports as on the wire."""

    _fields_ = (
        ("dwState", DWORD),
        ("dwLocalAddr", c_uint8 * 4),
        ("dwLocalPort", DWORD),
        ("dwRemoteAddr", DWORD),
        ("dwRemotePort", DWORD),
        ("dwOwningPid", DWORD),
    )


class Tcp6Row(Structure):
    """MIB_TCP6ROW_OWNER_PID."""

    _fields_ = (
        ("ucLocalAddr", c_uint8 * 16),
        ("dwLocalScopeId", DWORD),
        ("dwLocalPort", DWORD),
        ("ucRemoteAddr", c_uint8 * 16),
        ("dwRemoteScopeId", DWORD),
        ("dwRemotePort", DWORD),
        ("dwState", DWORD),
        ("dwOwningPid", DWORD),
    )


class UdpRow(Structure):
    """MIB_UDPROW_OWNER_PID."""

    _fields_ = (("dwLocalAddr", c_uint8 * 4), ("dwLocalPort", DWORD), ("dwOwningPid", DWORD))


class Udp6Row(Structure):
    """MIB_UDP6ROW_OWNER_PID."""

    _fields_ = (
        ("ucLocalAddr", c_uint8 * 16),
        ("dwLocalScopeId", DWORD),
        ("dwLocalPort", DWORD),
        ("dwOwningPid", DWORD),
    )


class Trustee(Structure):
    """TRUSTEE_W."""

    _fields_ = (
        ("pMultipleTrustee", c_void_p),
        ("MultipleTrusteeOperation", c_int32),
        ("TrusteeForm", c_int32),
        ("TrusteeType", c_int32),
        ("ptstrName", c_void_p),
    )


class ExplicitAccess(Structure):
    """EXPLICIT_ACCESS_W."""

    _fields_ = (
        ("grfAccessPermissions", DWORD),
        ("grfAccessMode", c_int32),
        ("grfInheritance", DWORD),
        ("Trustee", Trustee),
    )


class SidAndAttributes(Structure):
    """SID_AND_ATTRIBUTES."""

    _fields_ = (("Sid", c_void_p), ("Attributes", DWORD))


class ProfileInfo(Structure):
    """PROFILEINFOW."""

    _fields_ = (
        ("dwSize", DWORD),
        ("dwFlags", DWORD),
        ("lpUserName", c_void_p),
        ("lpProfilePath", c_void_p),
        ("lpDefaultPath", c_void_p),
        ("lpServerName", c_void_p),
        ("lpPolicyPath", c_void_p),
        ("hProfile", HANDLE),
    )


class WintrustFileInfo(Structure):
    """WINTRUST_FILE_INFO."""

    _fields_ = (("cbStruct", DWORD), ("pcwszFilePath", c_void_p), ("hFile", HANDLE), ("pgKnownSubject", c_void_p))


class WintrustData(Structure):
    """WINTRUST_DATA as it was before Windows 8, which later ones take too; the union holds a pointer."""

    _fields_ = (
        ("cbStruct", DWORD),
        ("pPolicyCallbackData", c_void_p),
        ("pSIPClientData", c_void_p),
        ("dwUIChoice", DWORD),
        ("fdwRevocationChecks", DWORD),
        ("dwUnionChoice", DWORD),
        ("pFile", c_void_p),
        ("dwStateAction", DWORD),
        ("hWVTStateData", HANDLE),
        ("pwszURLReference", c_void_p),
        ("dwProvFlags", DWORD),
        ("dwUIContext", DWORD),
    )


class ProviderCertificate(Structure):
    """CRYPT_PROVIDER_CERT, its beginning."""

    _fields_ = (("cbStruct", DWORD), ("pCert", c_void_p))
