r"""Checks on a real Windows node what could not be proven elsewhere; prints a report to paste into an issue.

Run it as SYSTEM on a node with a running Windows pod, with the Python of the launcher's bundle:

    C:\mooring\python\\python.exe field_check.py IP-OF-THAT-POD

from a HostProcess container (kubectl exec), or by `psexec -s` on the node. It starts a small server in that pod's
network, on port 18091 of its IP, sends it a request, stops it, and changes nothing. docs/windows-fidelity.md has the
rows.
"""

import json
import os
import platform
import socket
import subprocess
import sys
import time
import traceback

LAUNCHER = os.environ.get("MOORING_LAUNCHER", r"C:\mooring\mooring-launcher.pyz")
sys.path.insert(0, LAUNCHER)

from mooring_launcher.gate.psutil import load_psutil  # noqa: E402
from mooring_launcher.platforms import windows as backend  # noqa: E402 - only now can it be imported
from mooring_launcher.platforms.addresses import pack_ip  # noqa: E402
from mooring_launcher.platforms.mounts import find_mounted  # noqa: E402
from mooring_launcher.platforms.target import TargetSpec  # noqa: E402
from mooring_launcher.platforms.trust import find_exposure, find_exposure_below  # noqa: E402
from mooring_launcher.platforms.windows import trust  # noqa: E402
from mooring_launcher.platforms.windows.network import adapters, compartments, hcn, ipconfig, sockets  # noqa: E402

PORT = 18091
PYTHON = sys.executable
SERVER = (
    "import signal,socket,sys;"
    f"s=socket.socket();s.bind(('0.0.0.0',{PORT}));s.listen();"
    "signal.signal(signal.SIGBREAK,lambda *_:sys.exit(9));"
    "print('ready',flush=True)\n"
    "try:\n while True:\n  s.settimeout(0.2)\n  try:\n   c,_=s.accept();c.sendall(b'hello');c.close()\n"
    "  except TimeoutError: pass\nexcept KeyboardInterrupt: sys.exit(8)"
)
report = []


def check(name):
    """Run a check when it is defined, and record what it returns or raises."""

    def run(function):
        try:
            report.append((name, "ok", function()))
        except Exception as error:  # noqa: BLE001 - any error belongs in the report
            report.append((name, "FAILED", f"{type(error).__name__}: {error}"))
            traceback.print_exc()

    return run


def start(**changes):
    """Start the little server in the pod's network."""
    spec = TargetSpec(PYTHON, ["-I", "-c", SERVER], "", dict(os.environ))._replace(**changes)
    target = backend.start_target(INSIDE, spec)
    time.sleep(3)
    return target


def access(path):
    """Return the owner of a path and the entries of its access control list."""
    found = trust.read(path)
    return {"owner": found.owner, "entries": [f"{sid} 0x{mask:X}" for sid, mask in found.entries or ()]}


def helper_line():
    """Make the launcher's console event helper available, as when the launcher runs."""
    sys.orig_argv, sys.argv = [PYTHON, "-I", LAUNCHER], [LAUNCHER]


if len(sys.argv) != 2:
    sys.exit(__doc__)
IP = sys.argv[1]
PACKED = pack_ip(IP)
helper_line()
found = backend.find_compartments(IP)
if len(found) != 1:
    sys.exit(f"{IP} is in the compartments {found}: give the IP of a running pod of this node that is not HostProcess")
INSIDE = found[0]


@check("the three ways name the same compartment")
def _():
    ways = {way.__name__.rpartition(".")[2]: list(way.find(PACKED)) for way in (hcn, adapters, ipconfig)}
    assert all(ids == [INSIDE.id] for ids in ways.values()), ways
    return ways


@check("the address is Preferred, seen from outside")
def _():
    assert backend.address_usable(INSIDE, IP)
    return INSIDE.id


@check("a thread goes in and comes back")
def _():
    before = compartments._get_thread()
    inside = backend.run_inside(INSIDE, compartments._get_thread)
    assert inside == INSIDE.id
    assert compartments._get_thread() == before
    return {"before": before, "inside": inside}


@check("a job's compartment holds: the program listens inside and not on the host")
def _():
    target = start()
    try:
        inside = [one for one in target.listeners() if one.port == PORT]
        outside = [one for one in sockets.read_listeners("TCP") if one.port == PORT]
        assert inside, "not in the compartment's table"
        assert not outside, "in the host's table too"
        assert target.owns(inside[0]), f"its owner {inside[0].owner} is not in the job {target.tree()}"
        assert target.misplacement() is None
        with socket.create_connection((IP, PORT), 5) as connection:
            assert connection.recv(5) == b"hello"
        return {"listener": list(inside[0]), "tree": target.tree()}
    finally:
        target.kill()


@check("a socket made inside stays inside")
def _():
    listener = backend.run_inside(INSIDE, lambda: socket.create_server((IP, PORT + 1)))
    with listener, socket.create_connection((IP, PORT + 1), 5):
        accepted, (peer, _port) = listener.accept()
        accepted.close()
        # Wine does not separate networks: there the peer is the IP itself.
        assert peer == IP or pack_ip(peer) in backend.node_addresses(), f"{peer} is none of the node's addresses"
        return f"reached on the pod's IP from the host, which is seen as {peer}"


@check("the pod's namespace lists its containers")
def _():
    namespaces = [one for one in hcn._read_all(hcn._NAMESPACE) if one.get("NamespaceId") == INSIDE.id]
    resources = [one for namespace in namespaces for one in namespace.get("Resources") or []]
    ids = [one["Data"]["Id"] for one in resources if one.get("Type") == "Container"]
    assert ids, f"no container among {resources}: a wrong IP in an anchor's status cannot be detected"
    assert hcn.find_by_container(ids[0]) == {INSIDE.id}
    return ids


@check("with lifetime tree a start program's server gives the exit code, and no console host does")
def _():
    server = "import sys,time; time.sleep(6); sys.exit(4)"
    starter = f"import subprocess,sys; subprocess.Popen([sys.executable, '-I', '-c', {server!r}])"
    target = start(args=["-I", "-c", starter], lifetime="tree")
    try:
        left, hosts = target.left_behind(), len(target.tree())
        status = target.wait(20)
        assert target.wait_all(10), f"processes are left: {target.tree()}"
    finally:
        target.kill()
    assert status is not None, "it did not end"
    assert status.code == 4, status.sentence
    return {"left": left, "processes of the job with hosts": hosts, "ended": status.sentence}


for event, code in (("ctrlC", 8), ("ctrlBreak", 9)):

    @check(f"{event} reaches the program")
    def _(event=event, code=code):
        target = start(console_event=event)
        try:
            target.ask_to_stop()
            status = target.wait(10)
        finally:
            target.kill()
        assert status is not None, "it did not end"
        assert status.code == code, status.sentence
        return status.sentence


for event in ("ctrlC", "ctrlBreak"):

    @check(f"the helper for {event} outlives its own event")
    def _(event=event):
        target = start(console_event=event)
        try:
            line = [PYTHON, "-I", LAUNCHER, "console-event", event, str(target.pid)]
            done = subprocess.run(line, capture_output=True, text=True, check=False)
        finally:
            target.kill()
        assert done.returncode == 0, f"0x{done.returncode & 0xFFFFFFFF:08X} {done.stdout}"
        return "it ended with 0"


for run_as in ("restricted", "LocalService", "NetworkService"):

    @check(f"runAs: {run_as}")
    def _(run_as=run_as):
        target = start(run_as=run_as)
        try:
            assert target.wait(0) is None, target.wait(0).sentence
            return target.run_command([r"C:\Windows\System32\whoami.exe", "/user", "/priv"], 20).output[-600:]
        finally:
            target.kill()


@check("KILL_ON_JOB_CLOSE: a launcher that is killed leaves nothing")
def _():
    code = (
        f"import sys,os,time;sys.path.insert(0,{LAUNCHER!r})\n"
        "from mooring_launcher.platforms import windows as b\n"
        "from mooring_launcher.platforms.compartment import Compartment\n"
        "from mooring_launcher.platforms.target import TargetSpec\n"
        f"spec=TargetSpec({PYTHON!r},['-I','-c','import time;time.sleep(99)'],'',dict(os.environ))\n"
        f"t=b.start_target(Compartment({INSIDE.id},''),spec)\n"
        "print(t.pid,flush=True);time.sleep(99)"
    )
    launcher = subprocess.Popen([PYTHON, "-I", "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(launcher.stdout.readline())
    launcher.kill()
    launcher.wait()
    time.sleep(2)
    listing = subprocess.run(["tasklist", "/fi", f"pid eq {pid}"], capture_output=True, text=True, check=False).stdout
    assert str(pid) not in listing, listing
    return f"process {pid} is gone"


@check("only administrators may write to the launcher's directory")
def _():
    folder = os.path.dirname(LAUNCHER)
    found = find_exposure(LAUNCHER) or find_exposure_below(folder)
    # docs/bundle.md has the commands that close it.
    assert not found, f"{found}; {json.dumps(access(folder))}"
    return access(folder)


@check("kubelet's volumes are safe to use, and where they are seen")
def _():
    account = r"C:\var\run\secrets\kubernetes.io\serviceaccount"
    token = os.path.join(find_mounted(account, os.environ), "token")
    assert os.path.exists(token), f"{token} is not there: run this in a HostProcess container"
    seen = {
        "below": os.environ.get("CONTAINER_SANDBOX_MOUNT_POINT", ""),
        "at its own path": os.path.exists(account),
        "found": token,
        "leads to": trust._resolve(token),
        "token": access(trust._resolve(token)),
        "directory": access(os.path.dirname(os.path.dirname(trust._resolve(token)))),
    }
    assert not find_exposure(token), f"{find_exposure(token)}; {json.dumps(seen)}"
    return seen


@check("memory of the runtime's shims: each exec leaves a goroutine there (hcsshim#1574)")
def _():
    psutil = load_psutil()
    name = "containerd-shim-runhcs-v1.exe"
    shims = [one for one in psutil.process_iter(["name"]) if (one.info["name"] or "").lower() == name]
    assert shims, f"no {name} runs here"
    return [
        f"pid {one.pid}: {one.memory_info().private >> 20} MiB private, {one.num_threads()} threads,"
        f" {one.num_handles()} handles, {(time.time() - one.create_time()) / 3600:.1f} h old"
        for one in shims
    ]


@check("what ipconfig prints here (its first lines, for the parser's tests)")
def _():
    return ipconfig._run()[:1500].decode("oem", "replace")


lines = [f"mooring field check: Windows {sys.getwindowsversion()[:3]}, Python {platform.python_version()}"]
for name, result, detail in report:
    lines.append(f"{result:<7} {name}: {detail if isinstance(detail, str) else json.dumps(detail)}")
print("\n".join(["", "```", *lines, "```"]), flush=True)
sys.exit(any(result != "ok" for _, result, _ in report))
