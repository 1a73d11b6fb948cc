"""Gives lines to cmd.exe itself, as they are; prints what the programs that they start say."""

import json
import pathlib
import subprocess

lines = json.loads(pathlib.Path(r"C:\lines.json").read_text("utf-8"))
said = [subprocess.run(f"cmd /c {line}", capture_output=True, check=False).stdout.decode() for line in lines]
print(json.dumps(said))
