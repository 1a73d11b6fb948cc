r"""Carry the Windows account of a HostProcess container, `runAsUserName`, to `target.runAs`.

What such a container may run as, and how it gets there: Kubernetes, "Create a Windows HostProcess Pod", and hcsshim's
jobcontainers/logon.go, which takes the name of a local group first (it makes an account in it, for as long as the
container lives), and logs everything else on without a password.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from mooring.importing.manifests import Fields, dig

if TYPE_CHECKING:
    from mooring.importing.programs.convert import Converted

_PATH = ("securityContext", "windowsOptions")
_SYSTEM = ""
"""What target.runAs is for the launcher's own account."""

# The service accounts as Windows calls them in its languages (SQL Server, "Configure Windows service accounts and
# permissions", localized service names), without spaces, case and accents.
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
"""Domains of Windows' own whose accounts and groups nobody logs on by name."""
_OF_CONTAINERS = ("containeradministrator", "containeruser")
_ADVICE = (
    r"give the program an account of its own, and write it here: DOMAIN\name$ (a group-managed service account), "
    r"DOMAIN\name (with its password in RUN_AS_PASSWORD), NT AUTHORITY\LocalService, NT AUTHORITY\NetworkService or "
    r"NT AUTHORITY\SYSTEM"
)
_PASSWORD = "RUN_AS_PASSWORD"  # noqa: S105 - a variable's name


def convert_account(made: Converted, pod: Fields, container: Fields) -> None:
    """Take the account of the container, or of its pod where the container names none. Raises InputError."""
    place = container if dig(container.value, *_PATH, "runAsUserName") is not None else pod
    given = dig(place.value, *_PATH, "runAsUserName")
    for fields in (pod, container):
        fields.text(*_PATH, "runAsUserName")
        fields.drop((*_PATH, "hostProcess"))
        for key in ("gmsaCredentialSpec", "gmsaCredentialSpecName"):
            _tell_gmsa(made, fields, key)
    if given is None:
        return
    account = _find_account(str(given), place)
    made.put(account, "target", "runAs")
    if account and "\\" in account and not account.endswith("$") and not _has_password(made):
        where = place.place(*_PATH, "runAsUserName")
        made.change(
            where, f"target.runAs {account} needs its password in {_PASSWORD}: give it by extraEnv from a Secret"
        )


def _has_password(made: Converted) -> bool:
    environment = made.pair.environment
    return _PASSWORD in {*environment.literal, *(each.get("name") for each in environment.indirect)}


def _tell_gmsa(made: Converted, fields: Fields, key: str) -> None:
    value: Any = fields.take(*_PATH, key)
    if value is not None:
        why = r"a program has a group-managed service account by target.runAs: DOMAIN\name$"
        made.leftovers.append(fields.leftover(value, why, *_PATH, key))


def _find_account(given: str, place: Fields) -> str:
    """Return what target.runAs is for an account. Raises InputError where it has no equal."""
    domain, _, name = given.rpartition("\\")
    plain_domain, plain_name = _fold(domain), _fold(name)
    if plain_domain in _AUTHORITIES:
        for account, names in _SERVICE_ACCOUNTS.items():
            if plain_name in names:
                return account
    if plain_name in _OF_CONTAINERS:
        why = "an account of process-isolated containers, which a HostProcess container does not have"
    elif not domain:
        why = "the name of a local group, in which Kubernetes makes an account for each container; an App has no such"
    elif plain_domain in (*_AUTHORITIES, *_NOT_LOGGED_ON) or not name:
        why = "no account that a program can be logged on with"
    else:
        why = ""
    if why:
        place.refuse(f"found {given!r}, {why}; {_ADVICE}", *_PATH, "runAsUserName")
    return given


def _fold(text: str) -> str:
    """Return a name without what Windows does not tell apart, or people write differently: case, spaces, accents."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return bare.casefold().replace(" ", "")
