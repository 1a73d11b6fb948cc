"""Masks what looks like a secret in arguments and texts before they are logged.

It prefers to hide too much: once a secret's name has been seen, everything up to where its value surely ends is
masked, which is often the end of the argument. Every step moves on in the text, so the time grows with its length and
no faster; long texts are masked from the first secret to their end, which takes one search.
"""

import re
import string
from collections.abc import Iterator

MASK = "***"

_LONG = 8192
"""Texts of at least this many characters are masked the short way."""

# A name is a secret's when it has a word of the first kind anywhere, or of the second at its end: PGPASSWORD,
# AccountKey, jwt-signing, but not --author, --keyboard or --design.
_STEMS = (
    r"passw|pwd|passphrase|passcode|secret|credential|connectionstring|jwt|bearer|cookie"
    r"|(?:api|access|account|shared|private|signing|encryption)[-_.]?key"
)
_LAST_WORDS = r"(?:token|pass|key|auth|authorization|signature|cred|(?<![a-z])(?:sig|sas|pin|otp|pw|psw))s?"
_ANYWHERE = re.compile(_STEMS, re.IGNORECASE)
_AT_END = re.compile(rf"{_LAST_WORDS}\Z", re.IGNORECASE)
# What holds or describes a secret is not one itself.
_NO_SECRET = re.compile(r"[-_.](?:file|path|dir|folder|name|type|mode|url|uri|ttl|timeout)\Z", re.IGNORECASE)
_LAST_WORD = re.compile(r"[A-Z]?[a-z]+\Z|[A-Z]+\Z")

_NAME = re.compile(r"[\w.-]+")
# From a name to its value: what closes the name (quotes, brackets, an index), then what is between the two.
_SEPARATOR = re.compile(
    r"""[\\"'\])}\d]*(?:\s*(?:=>|:=|==|[=:])\s*|%3[AD]|>(?=.)|\s*,\s*\\?["']value\\?["']\s*:\s*|\s+value\s*=\s*)""",
    re.IGNORECASE,
)
# From an option to its value: blanks, and in a list in JSON a comma.
_GAP = re.compile(r"""[\\"']*\s*,?\s*""")
_SHORT = re.compile(r"[-/][pP]\Z")
_SHORT_ATTACHED = re.compile(r"-[pP](?![A-Za-z.-]*(?:[=:\s]|\Z))")
_USER_OPTION = re.compile(r"(?:-u|--user|--proxy-user)\Z", re.IGNORECASE)
_USER = re.compile(r"[=\s\"']*+[^\s:/@]*+:(?![/\\])")
_SCHEME = re.compile(r"(?:bearer|basic|digest|negotiate|ntlm|token|apikey)\Z", re.IGNORECASE)

_QUOTED = re.compile(r"\"[^\"\\]*(?:\\.[^\"\\]*)*\"|'[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL)
_AFTER_QUOTED = re.compile(r"\s*(?:[,;}\])]|\Z)")
_IN_QUERY = re.compile(r"[^&#\s\"'<>]*")
_IN_CONNECTION_STRING = re.compile(
    r"""(?:"[^"]*(?:""[^"]*)*"|'[^']*(?:''[^']*)*'|\{[^}]*(?:\}\}[^}]*)*\}|[^;"'{][^;]*)\s*(?=;|\Z)"""
)
_IN_ELEMENT = re.compile(r"[^<]*")
_WORD = re.compile(r"\S+")

# In long texts, of which the letters are small: a secret's name, an option that takes a password, `code` in a query.
_ANY_SECRET = re.compile(rf"(?:{_STEMS})[\w.-]*+|{_LAST_WORDS}(?![a-z])|(?<![\w.-])[-/][pu](?![a-z])|[?&]code=")
_SMALL_LETTERS = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # lower() may change the length

_NOTHING = " \t\r\n\"'=:,"


def mask_args(args: list[str]) -> list[str]:
    """Return the arguments with whatever looks like a secret masked, also where name and value are two of them."""
    mask = _mask if sum(map(len, args)) < _LONG else _mask_long
    masked: list[str] = []
    expected = ""
    for arg in args:
        bare = arg.strip(_NOTHING)
        if expected == "value":
            # It may come later still: `Authorization: Bearer` and then the token, `--password`, `=` and then the word.
            expected = "value" if not bare or _SCHEME.match(bare) else ""
            masked.append(arg if expected else MASK)
            continue
        user = _USER.match(arg) if expected == "user" else None
        text, expected = (arg[: user.end()] + MASK, "") if user else mask(arg)
        masked.append(text)
    return masked


def mask_text(text: str) -> str:
    """Return a text with whatever looks like a secret masked."""
    return (_mask if len(text) < _LONG else _mask_long)(text)[0]


def _mask(text: str) -> tuple[str, str]:
    """Return the masked text, and what it announces without having it: a secret's `value`, a `user` and password."""
    spans, expected = _find_named(text)
    pieces: list[str] = []
    kept = 0
    for begin, end in sorted([*spans, *_find_user_info(text)]):
        if begin >= kept:
            pieces += [text[kept:begin], MASK]
        kept = max(kept, end)
    return "".join([*pieces, text[kept:]]), expected


def _find_named(text: str) -> tuple[list[tuple[int, int]], str]:
    """Return where the values of secrets' names are, and what is still expected, as `_mask` does."""
    spans: list[tuple[int, int]] = []
    at = 0
    while (name := _NAME.search(text, at)) is not None:
        at = name.end()
        begin = _find_value(text, name)
        if begin is None:
            if at == len(text) and _USER_OPTION.match(name[0]):
                return spans, "user"
            continue
        end = _find_end(text, name.start(), begin)
        value = text[begin:end].strip(_NOTHING)
        if end == len(text) and (not value or _SCHEME.match(value)):
            return spans, "value"
        if value:
            spans.append((begin, end))
        at = max(at, end)
    return spans, ""


def _mask_long(text: str) -> tuple[str, str]:
    """Do the same in one search, which finds the first secret: all that follows is masked."""
    name = _ANY_SECRET.search(text.translate(_SMALL_LETTERS))
    end = len(text) if name is None else name.end()
    credentials = next((word for word in text.split() if "@" in word and ":" in word), None)
    begin = end if credentials is None else min(end, text.find(credentials))
    if begin == len(text):
        return text, "" if name is None else "value"
    rest = text[begin : begin + 32].strip(_NOTHING) if len(text) - begin <= 32 else MASK
    return f"{text[:begin]}{MASK}", "value" if not rest or _SCHEME.match(rest) else ""


def _find_value(text: str, name: "re.Match[str]") -> int | None:
    """Return where the value of this name begins; None when it is not a secret's, or has no value here."""
    word, start, end = name[0], name.start(), name.end()
    slashed = _begins_word(text, start - 1) and text[start - 1] == "/"
    is_option = slashed or (word[0] == "-" and _begins_word(text, start))
    if is_option and (user := _USER_OPTION.match(word) and _USER.match(text, end)):
        return user.end()
    if is_option and _SHORT_ATTACHED.match(text, start):
        return start + 2
    is_short = is_option and bool(_SHORT.match(f"/{word}" if slashed else word))
    if not (is_short or _is_secret(word) or _is_query_code(text, start, word)):
        return None
    separator = _SEPARATOR.match(text, end)
    if separator is not None:
        return separator.end()
    if is_option or start == 0 or _SCHEME.match(word):
        gap = _GAP.match(text, end)
        return gap.end() if gap is not None and (gap.end() > end or end == len(text)) else None
    return None


def _begins_word(text: str, at: int) -> bool:
    return at == 0 or (at > 0 and (text[at - 1].isspace() or text[at - 1] in "\"'[,("))


def _is_secret(name: str) -> bool:
    if _NO_SECRET.search(name):
        return False
    last = _LAST_WORD.search(name)
    return bool(_ANYWHERE.search(name) or _AT_END.search(name) or (last is not None and _AT_END.search(last[0])))


def _is_query_code(text: str, start: int, name: str) -> bool:
    """Return whether this is the `code` of a query, which is how a function's key is given on Azure."""
    return name == "code" and start > 0 and text[start - 1] in "?&"


def _find_end(text: str, name_start: int, begin: int) -> int:
    """Return where the value surely ends; what has no certain end extends to the end of the text."""
    if name_start == 0 or (name_start == 1 and text[0] in "/\"'"):
        return len(text)
    before = name_start - 1
    while before > 0 and text[before].isspace():
        before -= 1
    if text[before] == ";":
        found = _IN_CONNECTION_STRING.match(text, begin)
    elif text[before] in "?&":
        found = _IN_QUERY.match(text, begin)
    elif text[begin - 1] == ">":
        found = _IN_ELEMENT.match(text, begin)
    else:
        found = _QUOTED.match(text, begin)
        found = found if found and _AFTER_QUOTED.match(text, found.end()) else None
    return len(text) if found is None else found.end()


def _find_user_info(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a password of `scheme://user:password@host` is, scheme or none, or a token that is the user."""
    if "@" not in text:
        return
    for found in _WORD.finditer(text):
        word, offset = found[0], found.start()
        until = word.rfind("@")
        scheme = word.find("://", 0, max(until, 0))
        start = scheme + 3 if scheme >= 0 else 0
        colon = word.find(":", start, max(until, 0))
        if colon >= 0 and (scheme >= 0 or word[colon + 1] not in "/\\"):
            yield offset + colon + 1, offset + until
        elif word[max(0, scheme - 5) : max(0, scheme)].lower().endswith(("http", "https")):
            yield offset + start, offset + until
