"""Passes lines unchanged to cmd.exe; prints the output of the programs they start."""

import json
import pathlib
import subprocess

lines = json.loads(pathlib.Path(r"C:\lines.json").read_text("utf-8"))
said = [subprocess.run(f"cmd /c {line}", capture_output=True, check=False).stdout.decode() for line in lines]
print(json.dumps(said))
