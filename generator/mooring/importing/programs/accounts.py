r"""Turn the Windows account of a HostProcess container, `runAsUserName`, into `target.runAs`.

Sources: Kubernetes, "Create a Windows HostProcess Pod", and hcsshim's jobcontainers/logon.go. hcsshim first tries the
name as a local group (it creates an account in it for the container's lifetime) and logs on any other account without
a password.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from mooring.importing.manifests import Fields, dig

if TYPE_CHECKING:
    from mooring.importing.programs.convert import Converted

_PATH = ("securityContext", "windowsOptions")
_SYSTEM = ""
"""The value of target.runAs for the launcher's own account."""

# The service accounts' names in the languages of Windows (SQL Server, "Configure Windows service accounts and
# permissions", localized service names), folded by _fold.
_SERVICE_ACCOUNTS: dict[str, tuple[str, ...]] = {
    _SYSTEM: ("system", "localsystem", "systeme", "sistema", "система"),
    "LocalService": (
        *("localservice", "lokalerdienst", "servicelocal", "serviziolocale", "servicioloc", "serviciolocal"),
        "servicolocal",
    ),
    "NetworkService": (
        *("networkservice", "netzwerkdienst", "servicereseau", "serviziodirete", "serviciodered", "servicoderede"),
    ),
}
_AUTHORITIES = ("", "ntauthority", "nt-autoritat", "autoritent", "autoridadent")
_NOT_LOGGED_ON = (
    "builtin",
    "vordefiniert",
    "ntservice",
    "iisapppool",
    "usermanager",
    "windowmanager",
    "ntvirtualmachine",
)
"""Windows' built-in domains whose accounts and groups cannot log on by name."""
_OF_CONTAINERS = ("containeradministrator", "containeruser")
_ADVICE = (
    r"use DOMAIN\name$ (a group-managed service account), DOMAIN\name (with its password in RUN_AS_PASSWORD), "
    r"NT AUTHORITY\LocalService, NT AUTHORITY\NetworkService or NT AUTHORITY\SYSTEM"
)
_PASSWORD = "RUN_AS_PASSWORD"  # noqa: S105 - a variable's name


def convert_account(made: Converted, pod: Fields, container: Fields) -> None:
    """Take the container's account, or its pod's if the container names none. Raises InputError."""
    place = container if dig(container.value, *_PATH, "runAsUserName") is not None else pod
    given = dig(place.value, *_PATH, "runAsUserName")
    for fields in (pod, container):
        fields.text(*_PATH, "runAsUserName")
        fields.drop((*_PATH, "hostProcess"))
        for key in ("gmsaCredentialSpec", "gmsaCredentialSpecName"):
            _report_gmsa(made, fields, key)
    if given is None:
        return
    account = _find_account(str(given), place)
    made.put(account, "target", "runAs")
    if account and "\\" in account and not account.endswith("$") and not _has_password(made):
        where = place.place(*_PATH, "runAsUserName")
        made.change(
            where, f"target.runAs {account} needs its password in {_PASSWORD}; set that from a Secret with extraEnv"
        )


def _has_password(made: Converted) -> bool:
    environment = made.pair.environment
    return _PASSWORD in {*environment.literal, *(each.get("name") for each in environment.indirect)}


def _report_gmsa(made: Converted, fields: Fields, key: str) -> None:
    value: Any = fields.take(*_PATH, key)
    if value is not None:
        why = r"to run as a group-managed service account, set target.runAs: DOMAIN\name$"
        made.leftovers.append(fields.leftover(value, why, *_PATH, key))


def _find_account(given: str, place: Fields) -> str:
    """Return the target.runAs of an account. Raises InputError if an App cannot run as it."""
    domain, _, name = given.rpartition("\\")
    plain_domain, plain_name = _fold(domain), _fold(name)
    if plain_domain in _AUTHORITIES:
        for account, names in _SERVICE_ACCOUNTS.items():
            if plain_name in names:
                return account
    if plain_name in _OF_CONTAINERS:
        why = "which exists only in process-isolated containers, not in HostProcess ones"
    elif not domain:
        why = (
            "which names a local group (Kubernetes creates an account in it for each container); an App cannot do that"
        )
    elif plain_domain in (*_AUTHORITIES, *_NOT_LOGGED_ON) or not name:
        why = "which is not an account that a program can log on with"
    else:
        why = ""
    if why:
        place.refuse(f"found {given!r}, {why}; {_ADVICE}", *_PATH, "runAsUserName")
    return given


def _fold(text: str) -> str:
    """Return a name without what Windows ignores or people spell differently: case, spaces, accents."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return bare.casefold().replace(" ", "")
