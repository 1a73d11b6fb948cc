"""Prints each structure and constant of the launcher's ctypes as JSON; runs on Windows Python, with its sizes."""

import ctypes
import json
import sys

sys.path.insert(0, r"C:\mooring\mooring-launcher.pyz")
from mooring_launcher.platforms.windows import layouts

found = {}
for name, value in vars(layouts).items():
    if name.isupper() and isinstance(value, int):
        found[name] = value
    elif isinstance(value, type) and issubclass(value, ctypes.Structure) and value is not ctypes.Structure:
        found[name] = ctypes.sizeof(value)
        found |= {f"{name}.{field}": getattr(value, field).offset for field, *_ in value._fields_}
print(json.dumps(found))
