"""The launcher on Linux: whole, against an API in this process (`rig`), and each of its parts (`inside_helpers`)."""
