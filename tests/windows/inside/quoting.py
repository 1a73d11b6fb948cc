"""Starts programs with given argument lists; prints what CommandLineToArgvW and C's own main made of them."""

import ctypes
import json
import os
import pathlib
import sys

sys.path.insert(0, r"C:\mooring\mooring-launcher.pyz")
from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows.process import processes
from mooring_launcher.platforms.windows.process.command_line import environment_block, join_arguments

TOY = r"C:\toys\toy.exe"
BATCH = 10

shell32 = ctypes.WinDLL("shell32")
shell32.CommandLineToArgvW.restype = ctypes.POINTER(ctypes.c_wchar_p)


def split(line):
    """Split by CommandLineToArgvW."""
    count = ctypes.c_int()
    words = shell32.CommandLineToArgvW(ctypes.c_wchar_p(line), ctypes.byref(count))
    return [words[i] for i in range(1, count.value)]


def run(arguments):
    """Return what a program's own main got, one line of UTF-16 units in hex for each argument."""
    reading, writing = handles.create_pipe()
    line = join_arguments(TOY, ["args", *arguments])
    process, _ = processes.create_process(
        processes.NewProcess(TOY, line, "", environment_block(os.environ), (), (0, writing, writing), 0x8000000)
    )
    handles.close_handle(writing)
    text = b"".join(iter(lambda: handles.read_chunk(reading), b"")).decode()
    handles.close_handle(process)
    handles.close_handle(reading)
    units = [line.rstrip("\r") for line in text.split("\n")[:-1]]
    return [
        bytes.fromhex("".join(w[i + 2 : i + 4] + w[i : i + 2] for i in range(0, len(w), 4))).decode("utf-16-le")
        for w in units
    ]


def batches(lists):
    """Run many lists in one start, and split the result into the same lists."""
    for at in range(0, len(lists), BATCH):
        some = lists[at : at + BATCH]
        got = run([argument for one in some for argument in one])
        for one in some:
            yield got[: len(one)]
            got = got[len(one) :]


lists = json.loads(pathlib.Path(r"C:\lists.json").read_text("utf-8"))
print(json.dumps({"argv": [split(join_arguments(TOY, one)) for one in lists], "main": list(batches(lists))}))
