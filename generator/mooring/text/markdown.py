"""Write cells of a Markdown table."""

from __future__ import annotations


def code_cell(text: str) -> str:
    """Return text as code in a cell of a Markdown table."""
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text.replace('|', chr(92) + '|')}{pad}{fence}"


def cell(text: str) -> str:
    """Return text in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
