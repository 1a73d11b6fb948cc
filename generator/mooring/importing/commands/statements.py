"""Split PowerShell text into statements, each with its enclosing blocks; strings and comments stay whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mooring.importing.commands.words import refuse

_SINGLE = re.compile("'(?:[^'\u2018-\u201b]|'')*'")
_DOUBLE = re.compile(r'"(?:[^"`\u201c-\u201e]|""|`.)*"', re.DOTALL)
_HERE = re.compile("@(['\"])[ \t]*\r?\n.*?\n\\1@", re.DOTALL)
_COMMENT = re.compile(r"<#.*?#>", re.DOTALL)
_GOES_ON = re.compile(r"(?:[^`][|,]|^\s*\$[\w:{}]+\s*[-+*/%]?=)\s*\Z")
_BRACED = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement's text, and the heads of its enclosing blocks, each with a unique number in front."""

    text: str
    blocks: tuple[str, ...] = ()
    is_head: bool = False
    """Whether it is the head of a block: the text before its {."""


class _Splitter:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: list[Statement] = []
        self.made = ""
        self.blocks: list[str] = []
        self.brackets: list[str] = []
        self.count = 0

    def split(self) -> list[Statement]:
        while self.at < len(self.text):
            self.step()
        self.flush()
        if self.brackets or self.blocks:
            refuse("unbalanced bracket; add the missing one")
        return self.found

    def flush(self) -> None:
        text = self.made.strip()
        self.made = ""
        if text:
            self.found.append(Statement(text, tuple(self.blocks)))

    def take(self, length: int) -> None:
        self.made += self.text[self.at : self.at + length]
        self.at += length

    def step(self) -> None:
        letter = self.text[self.at]
        at_word = not self.made or self.made[-1] in " \t\r\n;|&(){},="
        if letter in "'\"":
            self.take_quoted(letter)
        elif letter == "`":
            self.take_backtick(at_word)
        elif letter == "@" and (here := _HERE.match(self.text, self.at)) and at_word:
            self.take(here.end() - self.at)
        elif letter == "$" and (braced := _BRACED.match(self.text, self.at)):
            self.take(braced.end() - self.at)
        elif letter == "<" and (comment := _COMMENT.match(self.text, self.at)):
            self.at = comment.end()
            self.made += " "
        elif letter == "#" and at_word:
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
        else:
            self.step_plain(letter)

    def take_quoted(self, letter: str) -> None:
        match = (_SINGLE if letter == "'" else _DOUBLE).match(self.text, self.at)
        if match is None:
            refuse("unbalanced quotation mark, or one closed by a curly one; write the missing ' or \"")
        self.take(match.end() - self.at)

    def take_backtick(self, at_word: bool) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following not in ("\r", "\n"):
            self.take(2)
            return
        if not at_word:
            refuse("a ` at the end of a line directly follows a word; put a space before it")
        self.made += " "
        self.at += 3 if self.text[self.at + 1 : self.at + 3] == "\r\n" else 2

    def step_plain(self, letter: str) -> None:
        if letter in "\u2018\u2019\u201a\u201b\u201c\u201d\u201e":
            refuse(f"it contains the curly quotation mark {letter!r}; write ' or \"")
        if self.brackets or letter in "()":
            self.step_brackets(letter)
        elif letter in "\n;":
            if letter == "\n" and _GOES_ON.search(self.made):
                self.take(1)
            else:
                self.flush()
                self.at += 1
        elif letter == "{":
            self.open_block()
        elif letter == "}":
            self.flush()
            if not self.blocks:
                refuse("unbalanced bracket; add the missing one")
            self.blocks.pop()
            self.at += 1
        else:
            self.take(1)

    def step_brackets(self, letter: str) -> None:
        if letter in "({":
            self.brackets.append(letter)
        elif letter in ")}" and (not self.brackets or self.brackets.pop() + letter not in ("()", "{}")):
            refuse("unbalanced bracket; add the missing one")
        self.take(1)

    def open_block(self) -> None:
        if self.made.endswith("@"):  # a hash table is not a block
            self.brackets.append("{")
            self.take(1)
            return
        self.count += 1
        if self.made.strip():
            self.found.append(Statement(self.made.strip(), tuple(self.blocks), is_head=True))
        self.blocks.append(f"{self.count} {self.made.strip()}")
        self.made = ""
        self.at += 1


def split_statements(text: str) -> list[Statement]:
    """Split a script. Raises NotUnderstoodError for unbalanced brackets or quotation marks."""
    return _Splitter(text).split()
