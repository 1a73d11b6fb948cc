"""Starts toys through the Windows backend as the launcher does, and prints what happened to them, as JSON."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, r"C:\mooring\mooring-launcher.pyz")
from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms import windows as backend
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.target import TargetSpec
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.process import exit_status, jobs
from mooring_launcher.platforms.windows.process.console import run_helper
from mooring_launcher.platforms.windows.process.members import Members

if sys.argv[1] == "console-event":  # as the launcher's own command line does
    sys.exit(run_helper(sys.argv[2], [int(pid) for pid in sys.argv[3:]]))

TOY = r"C:\toys\toy.exe"
IP = sys.argv[1]
INSIDE = Compartment(7, "")


def start(*args, exe=TOY, **changes):
    """Start a toy."""
    return backend.start_target(
        INSIDE, TargetSpec(exe, list(args), "", {**os.environ, **changes.pop("env", {})}, **changes)
    )


def ended(*args, **changes):
    """Start a toy and return its code and sentence, and whether nothing of it is left after a kill."""
    target = start(*args, **changes)
    status = target.wait(30)
    target.kill()
    return [status.code, status.sentence, target.wait_all(10)]


def refused(call):
    """Return the name and the text of the error."""
    try:
        call()
    except LauncherError as error:
        return [error.code.name, str(error)]
    return ["nothing", ""]


def printed(*args, env):
    """Return what a command beside a target prints."""
    target = start("sleep", env=env)
    result = target.run_command([TOY, *args], 30)
    target.kill()
    return result.output


def trees():
    """Return how many processes of a forker and a daemoniser are left before and after the kill."""
    found = {}
    for mode in ("fork", "daemonise"):
        target = start(mode)
        target.wait(30)
        time.sleep(1)
        before = len(target.tree())
        target.kill()
        found[mode] = [before, target.wait_all(10), len(target.tree())]
    return found


def commands():
    """Return how commands beside a target end: by themselves, and by their timeout."""
    target = start("wait")
    good = target.run_command([TOY, "exit", "4"], 30)
    began = time.monotonic()
    slow = target.run_command([TOY, "fork", "2"], 30)
    late = target.run_command([TOY, "sleep"], 1)
    took = time.monotonic() - began
    alive = target.wait(0) is None
    target.kill()
    return {
        "good": good.exit.code,
        "forker": slow.exit.code,
        "late": late.exit,
        "output": late.output,
        "took": took,
        "alive": alive,
    }


def events(code):
    """Return the result of a console event when the helper that sends it exits with a code."""
    target = start("sleep")
    launcher, sys.executable = sys.executable, TOY
    sys.orig_argv, sys.argv = [TOY, "exit", code], [TOY]  # instead of the launcher's own command line
    asked = []
    said = refused(lambda: asked.append(target.ask_to_stop()))
    sys.executable = launcher
    target.kill()
    return [asked, *said]


def helper():
    """Return how the real CTRL_C helper ended, and the program it was sent to."""
    target = start("wait")
    time.sleep(1)  # until the program has a handler
    line = [r"C:\mooring\mooring-launcher.pyz", "console-event", "ctrlC", str(target.pid)]
    done = subprocess.run([sys.executable, "-I", *line], capture_output=True, text=True, check=False)
    status = target.wait(10)
    target.kill()
    return [done.returncode, done.stdout, status and status.code]


def lifetimes():
    """Return how trees end: code, sentence, and whether nothing is left."""
    found = {}
    for words in sys.argv[3:]:
        target = start(*words.split(), lifetime="tree")
        status = target.wait(30)
        found[words] = [status.code, status.sentence, target.wait_all(10)]
    return found


def left():
    """Return what is known of a tree whose main process has ended, then of its end by a kill."""
    found = {}
    for code in ("0", "3"):
        target = start("leave", code, "sleep", lifetime="tree")
        told = []
        target.on_main_exit(lambda status, told=told: told.append(status.code))
        while not told:
            time.sleep(0.05)
        found[code] = [told, target.main_exit().code, target.wait(1.5), target.left_behind()]
        target.kill()
        status = target.wait(30)
        found[code] += [status.code, status.sentence, target.wait_all(10)]
    target = start("leave", "0", "sleep")
    target.wait(30)
    found["process"] = [target.left_behind()]
    target.kill()
    return found


def asked():
    """Return the output of trees that get CTRL_C, and how they end."""
    found = {}
    for words in ("leave 0 wait", "leave-apart 0 wait", "both"):
        target = start(*words.split(), lifetime="tree")
        time.sleep(3)
        asked = target.ask_to_stop()
        status = target.wait(20)
        target.kill()
        found[words] = [asked, status and status.code]
    return found


def overlapping():
    """Return how a tree ends while a command runs beside it, and when; then that the command was ended with it."""
    target = start("leave", "0", "later", "2000", "4", lifetime="tree")
    results = []
    command = threading.Thread(target=lambda: results.append(target.run_command([TOY, "sleep"], 60)))
    command.start()
    status = target.wait(30)
    running = command.is_alive()
    target.kill()
    command.join(30)
    return {"code": status.code, "sentence": status.sentence, "running": running, "ended": results[0].exit.code}


def unseen():
    """Return what is known of a process that had ended before its handle could be opened, of a member and a command."""
    target = start("sleep", lifetime="tree")
    members = Members(target._job, set)
    pid = 0xFFFFFFF0  # no process's: process ids are small multiples of 4
    job, command = jobs.JOB_MESSAGE, jobs.COMMAND_MESSAGE
    for message in ((job, w.JOB_OBJECT_MSG_NEW_PROCESS, pid), (job, w.JOB_OBJECT_MSG_EXIT_PROCESS, pid)):
        members.hear(jobs.Message(*message))
    enters, leaves = w.JOB_OBJECT_MSG_NEW_PROCESS, w.JOB_OBJECT_MSG_EXIT_PROCESS
    for key, what in ((job, enters), (command, enters), (command, leaves), (job, leaves)):
        members.hear(jobs.Message(key, what, pid + 4))
    found = {"unseen": members.last, "left": members.look()}
    target.kill()
    target.wait_all(10)
    members.close()
    target = start("leave", "0", "later", "2000", "4", lifetime="tree")
    members = Members(target._job, set)
    servers = []
    while not servers:
        time.sleep(0.05)
        members.look()
        servers = [pid for pid, one in members._known.items() if pid != target.pid and one.name == "toy.exe"]
    (server,) = servers
    target.wait(30)
    members.look()
    members.hear(jobs.Message(job, w.JOB_OBJECT_MSG_EXIT_PROCESS, server))  # late: the end has already been seen
    found["late"] = [members.last.pid == server, members.last.code]
    members.close()
    target.kill()
    return found


def ways():
    """Return what each way of finding a compartment says of the machine's IP."""
    found = [list(one) for one in backend.find_compartments(IP)]
    return {
        "found": found,
        "other": backend.find_compartments("10.9.9.9"),
        "usable": backend.address_usable(INSIDE, IP),
        "own": [sorted(backend.networks_of("", f"containerd://{name}")) for name in ("container-1", "container-9")],
        "node": [backend.find_compartments("127.0.0.1"), bytes([127, 0, 0, 1]) in backend.node_addresses()],
        "inside": socket.inet_aton(IP) in backend.node_addresses(),
    }


CASES = {
    "codes": lambda: [ended("exit", code) for code in sys.argv[3:]],
    "crash": lambda: [ended("crash", kind) for kind in sys.argv[3:]],
    "load": lambda: [ended(exe=exe) for exe in sys.argv[3:]],
    "meanings": lambda: list(exit_status.MEANINGS),
    "trees": trees,
    "commands": commands,
    "ways": ways,
    "lifetimes": lifetimes,
    "left": left,
    "asked": asked,
    "overlapping": overlapping,
    "unseen": unseen,
    "environment": lambda: [
        printed("env", name, env={"TOY_TEXT": "grüße 漢字 😀", "TOY_EMPTY": "", "TOY_LONG": "x" * 30000})
        for name in ("TOY_TEXT", "TOY_EMPTY", "TOY_ABSENT")
    ],
    "long": lambda: len(printed("env", "TOY_LONG", env={"TOY_LONG": "x" * 30000})),
    "refusals": lambda: {
        "missing": refused(lambda: start(exe=r"C:\nowhere\a.exe")),
        "no program": refused(lambda: start(exe=r"C:\shim\node.txt")),
        "no folder": refused(
            lambda: backend.start_target(INSIDE, TargetSpec(TOY, [], r"C:\nowhere", dict(os.environ)))
        ),
        "wrong id": refused(
            lambda: backend.start_target(Compartment(9, ""), TargetSpec(TOY, [], "", dict(os.environ)))
        ),
        "wrong thread": refused(lambda: backend.run_inside(Compartment(9, ""), lambda: None)),
        "wrong sum": refused(lambda: start("exit", "0", sha256="0" * 64)),
        "not signed": refused(lambda: start("exit", "0", signed_by="Orders")),
        "no password": refused(lambda: start("exit", "0", run_as=r".\somebody")),
    },
    "restricted": lambda: ended("exit", "5", run_as="restricted"),
    "compartment": lambda: ended("compartment"),
    "job": lambda: refused(lambda: start("exit", "0")),
    "events": lambda: [events(code) for code in sys.argv[3:]],
    "helper": helper,
    "env-attach": lambda: ended("compartment", attach="env"),
}
print(json.dumps(CASES[sys.argv[2]]()))
