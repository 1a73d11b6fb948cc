"""Read the words of a PowerShell command, as they reach a program.

What is not modelled here is refused. Sources: Microsoft's about_Parsing, about_Quoting_Rules, about_Special_Characters;
where these are silent, PowerShell's own tokenizer and native parameter binder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mooring.importing.commands.words import NotUnderstoodError, refuse

Value = str | list[str]
Variables = Callable[[str], Value]
"""Returns the value of `env:NAME`, or of one of the script's own variables."""

# Letters after a backtick; `e and `u{...} are only escapes since version 6.
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_VERSIONED_ESCAPES = "eu0"
_CURLY = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u2013\u2014\u2015"
"""Typographic quotation marks and hyphens, which PowerShell reads as plain ones."""
_ENDS = " \t\r\n&(),;{|}"
"""Characters that end any bare word (ForceStartNewToken)."""
_VARIABLE = re.compile(r"\$(?:\{(?:(env):)?(\w+)\}|(?:(env):)?([A-Za-z_]\w*))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Word:
    """One argument: its value, whether it was quoted, and whether it is a parameter name (a bare -Name)."""

    value: Value
    is_quoted: bool = False
    is_parameter: bool = False
    is_literal: bool = False
    """Whether it is a list written with commas in the command itself, outside parentheses."""
    text: str = ""
    """The text of such a list if it is only bare words and commas: programs get it as written."""


def read_words(text: str, variables: Variables) -> list[Word]:
    """Read one command: arguments separated by spaces; `,` makes lists, for cmdlets. Raises NotUnderstoodError."""
    return _Reader(text, variables).read()


class _Reader:
    def __init__(self, text: str, variables: Variables) -> None:
        self.text, self.variables, self.at = text, variables, 0

    def peek(self, offset: int = 0) -> str:
        return self.text[self.at + offset : self.at + offset + 1]

    def read(self) -> list[Word]:
        words: list[Word] = []
        while self.skip():
            words.append(self.list_of_words())
        return words

    def skip(self) -> bool:
        """Move on to the next word; return whether there is one."""
        while self.peek():
            if self.peek() == "`" and self.peek(1) in ("\r", "\n"):
                self.at += 3 if self.text[self.at + 1 : self.at + 3] == "\r\n" else 2
            elif self.peek() in " \t":
                self.at += 1
            else:
                return self.peek() != "#"
        return False

    def list_of_words(self) -> Word:
        """Read a word, and further ones after commas."""
        start = self.at
        words, end = [self.word()], self.at
        while self.skip() and self.peek() == ",":
            self.at += 1
            self.skip_lines()
            if not self.peek() or self.peek() == ",":
                refuse("there is no word after a comma; remove the comma")
            words.append(self.word())
            end = self.at
        self.at = end
        if len(words) == 1:
            return words[0]
        for word in words:
            if word.is_parameter:
                refuse(f"{word.value!r} is next to a comma; put it in quotation marks")
            check_number(word)
        text = self.text[start:end]
        is_plain = re.fullmatch(r"[\w:/\\=.+*-]+(?:,[\w:/\\=.+*-]+)+", text)
        items = [item for word in words for item in self.flat(word)]
        return Word(items, is_literal=True, text=text if is_plain else "")

    def skip_lines(self) -> None:
        while self.skip() and self.peek() in "\r\n":
            self.at += 1

    @staticmethod
    def flat(word: Word) -> list[str]:
        return word.value if isinstance(word.value, list) else [word.value]

    def word(self) -> Word:
        letter = self.peek()
        if letter in "'\"":
            value: Value = self.quoted()
            self.end("quoted text")
            return Word(value, is_quoted=True)
        if letter == "@" or letter == "(":
            return self.brackets()
        if letter == "$":
            found = self.whole_variable()
            if found is not None:
                return Word(found, is_quoted=True)
        if letter in "<>" or re.match(r"[1-6*]>", self.text[self.at :]):
            refuse("it redirects output with '>', which an App cannot do; leave it out")
        if letter == "-" and (self.peek(1).isalpha() or self.peek(1) in ("_", "?")):
            return self.parameter()
        return Word(self.bare())

    def end(self, what: str) -> None:
        """Refuse what directly follows a finished word: it would be a new word, or take a part of this one."""
        if self.peek() and self.peek() not in " \t\r\n,;)":
            message = f"{self.peek()!r} directly follows {what}, which PowerShell reads in more than one way"
            refuse(f"{message}; put the whole word in quotation marks")

    def quoted(self) -> str:
        return self.single() if self.peek() == "'" else self.double()

    def single(self) -> str:
        match = re.compile(r"'((?:[^']|'')*)'").match(self.text, self.at)
        if match is None:
            refuse("unbalanced quotation mark; add the missing one")
        self.at = match.end()
        return match[1].replace("''", "'")

    def double(self) -> str:
        made, self.at = "", self.at + 1
        while self.peek():
            letter = self.peek()
            if letter == '"' and self.peek(1) != '"':
                self.at += 1
                return made
            if letter == '"':
                made, self.at = made + letter, self.at + 2
            elif letter == "`":
                made += self.backtick()
            elif letter == "$":
                made += self.variable(in_text=True)
            else:
                made, self.at = made + letter, self.at + 1
        raise NotUnderstoodError("unbalanced quotation mark; add the missing one")

    def backtick(self) -> str:
        letter, self.at = self.peek(1), self.at + 2
        if not letter or letter in _VERSIONED_ESCAPES:
            message = f"it contains `{letter}, which depends on the version of PowerShell"
            refuse(f"{message}; write the character itself")
        return _ESCAPES.get(letter, letter)

    def variable(self, *, in_text: bool) -> str:
        """Read a variable within a word or quoted text; a $ before anything else is literal."""
        following = self.peek(1)
        if following == "(":
            refuse("it contains '$(', a command within the command; write its result instead")
        match = _VARIABLE.match(self.text, self.at)
        if match is None:
            if following and (following.isalnum() or following in "_?^:${"):
                refuse(f"it contains the unknown variable '${following}'; write its value instead")
            self.at += 1
            return "$"
        self.at = match.end()
        if self.peek() in ("?", ":") and self.peek() and not match[0].endswith("}"):
            refuse(f"it contains the unknown variable '{match[0]}{self.peek()}'; write its value instead")
        if not in_text and self.peek() in (".", "["):
            refuse(f"it accesses a part of {match[0]}; write its value instead")
        value = self.variables(_name(match))
        if not isinstance(value, str):
            refuse(f"{match[0]} is a list, but is part of a word; write its value instead")
        return value

    def whole_variable(self) -> Value | None:
        """Read a variable that is a whole word, None if it is only part of one."""
        match = _VARIABLE.match(self.text, self.at)
        if match is None or (match.end() < len(self.text) and self.text[match.end()] not in _ENDS):
            return None
        self.at = match.end()
        self.end(match[0])
        return self.variables(_name(match))

    def brackets(self) -> Word:
        """Read @( ... ) or ( ... ), a list whose items are separated by commas, or in @( ) by line breaks."""
        is_array = self.text[self.at : self.at + 2] == "@("
        splatted = re.compile(r"@([A-Za-z_]\w*)(?=[\s;]|\Z)").match(self.text, self.at)
        if splatted:
            self.at = splatted.end()
            value = self.variables(splatted[1])
            return Word(value if isinstance(value, list) else [value])
        if not is_array and self.peek() != "(":
            refuse("it contains '@', a splatted variable or a here-string; write the words instead")
        self.at += 2 if is_array else 1
        items: list[str] = []
        while True:
            self.skip_lines()
            while is_array and self.peek() == ";":
                self.at += 1
                self.skip_lines()
            if self.peek() == ")":
                self.at += 1
                self.end("a parenthesis")
                return Word(items)
            number = re.compile(r"(?:0|[1-9]\d{0,8})(?=[\s,;)])").match(self.text, self.at)
            if not (self.peek() in ("'", '"', "$", "@") or number) or (items and not is_array):
                refuse("it contains parentheses with more than quoted text in them; write the words instead")
            items += self.flat(self.list_of_words())

    def parameter(self) -> Word:
        """Read -Name: such a word also ends at . and [, and nothing in it is expanded."""
        match = re.compile(r"-[^\s{}();,|&.\[\:'\"]*").match(self.text, self.at)
        word = match[0] if match else "-"
        following = self.text[self.at + len(word) : self.at + len(word) + 1]
        if following in ("'", '"'):
            return Word(self.bare(), is_quoted=True)
        if following in (".", "["):
            message = f"PowerShell splits {word + following!r}... at {following!r}"
            refuse(f"{message}; put the whole word in quotation marks")
        if set("$`") & set(word) or set(_CURLY) & set(word):
            refuse(f"{word!r} contains a character that PowerShell reads differently; put it in quotation marks")
        self.at += len(word)
        if following == ":":
            self.at += 1
            if not self.peek() or self.peek() in _ENDS or self.peek() in "'\"$@`-":
                message = f"whether PowerShell joins {word}: with what follows depends on its version"
                refuse(f"{message}; put the whole word in quotation marks")
            return Word(f"{word}:{self.bare()}", is_quoted=True)
        if following and following not in _ENDS:
            refuse(f"{following!r} directly follows {word!r}; put the whole word in quotation marks")
        return Word(word, is_parameter=True)

    def bare(self) -> str:
        """Read a bare word; quotation marks within it are removed, and their content is part of it."""
        made, start = "", self.at
        if self.peek() == "~":
            refuse("it contains a bare '~', which newer versions expand; put it in quotation marks")
        while self.peek() and self.peek() not in _ENDS:
            letter = self.peek()
            if letter in "'\"":
                made += self.quoted()
            elif letter == "`":
                if self.peek(1) in (" ", "\t", "\r", "\n") and (self.at == start or self.peek(1) in "\r\n"):
                    refuse("a ` at the end of a word does not continue the line; put a space before it")
                made += self.backtick()
            elif letter == "$":
                made += self.variable(in_text=False)
            elif letter in "<>" + _CURLY or letter.isspace() or not letter.isprintable():
                refuse(f"it contains a bare {letter!r}; put the whole word in quotation marks")
            else:
                made, self.at = made + letter, self.at + 1
        if self.at == start:
            message = (
                f"it contains {self.peek()!r}, so it is more than one plain command; only one program can be imported"
            )
            refuse(message)
        if self.text[start : self.at] == "--%":
            refuse("it contains --%, which passes the rest on unparsed; write the words without it")
        return made


def check_number(word: Word) -> None:
    """Refuse a bare number that a cmdlet would get in another form: 0x10, 1kb, 1.0."""
    if word.is_quoted or not isinstance(word.value, str) or re.fullmatch(r"0|[1-9]\d{0,8}", word.value):
        return
    if re.match(r"[-+]?\.?\d", word.value):
        refuse(f"PowerShell may read {word.value!r} as a number; put it in quotation marks")


def _name(match: re.Match[str]) -> str:
    return f"env:{match[2] or match[4]}" if match[1] or match[3] else match[2] or match[4]


def pass_to_program(words: Sequence[Word]) -> list[str]:
    """Return the arguments that a program gets from PowerShell; a list of bare words is one argument, as written.

    Raises NotUnderstoodError where that depends on the version: Windows PowerShell and pwsh before 7.3 pass quotation
    marks, empty words, and a final backslash after spaces so that programs read different words (about_Parsing).
    """
    passed: list[str] = []
    for word in words:
        if word.is_literal and not word.text:
            refuse(f"it contains the list {','.join(word.value)[:60]!r}; put it in quotation marks if it is one word")
        passed += [word.text] if word.is_literal else word.value if isinstance(word.value, list) else [word.value]
    for text in passed:
        if '"' in text or not text or (re.search(r"\s", text) and text.endswith("\\")):
            what = "is empty" if not text else 'contains "' if '"' in text else "has spaces and ends in \\"
            message = f"the argument {text!r} {what}; how PowerShell passes that on depends on its version"
            refuse(f"{message}: write the App's target.args by hand, or start the program without PowerShell")
    return passed
