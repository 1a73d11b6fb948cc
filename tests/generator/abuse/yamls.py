"""What can be wrong with any kind of file: bytes, YAML, sizes, depths, aliases, tags."""

from __future__ import annotations

MIB = 1024 * 1024


def broken(valid: str) -> dict[str, bytes]:
    """Return a valid file broken in every way that does not depend on its meaning."""
    whole = valid.encode()
    first = valid.splitlines(keepends=True)[0].encode()
    texts = {
        "empty": "",
        "only blanks": " \n \n",
        "only a comment": "# soon\n",
        "only a document mark": "---\n",
        "only null": "null\n",
        "a list": "- a\n- b\n",
        "a text": "hello\n",
        "a number": "42\n",
        "tab indented": valid.replace("\n  ", "\n\t", 1),
        "only a tab": "\t\n" + valid,
        "unclosed double quote": valid + 'more: "a\n',
        "unclosed single quote": valid + "more: 'a\n",
        "unclosed list": valid + "more: [a, b\n",
        "unclosed map": valid + "more: {a: b\n",
        "closed twice": valid + "more: [a]]\n",
        "key twice": valid + first.decode(),
        "wrong indentation": valid + "   more: x\n",
        "no space behind the colon": valid + "more:x\n",
        "python tag": valid + "more: !!python/object/apply:os.system ['touch pwned']\n",
        "python name": valid + "more: !!python/name:os.system\n",
        "python module": valid + "more: !!python/object/new:type {args: ['z', [], {}]}\n",
        "binary tag": valid + "more: !!binary aGVsbG8=\n",
        "set tag": valid + "more: !!set {a, b}\n",
        "own tag": valid + "more: !Ref x\n",
        "long tag": valid + "more: !<tag:example.com,2000:x> y\n",
        "unknown tag handle": valid + "more: !e!x y\n",
        "yaml 3.0": "%YAML 3.0\n---\n" + valid,
        "directive in the middle": valid + "%TAG ! x\nmore: y\n",
        "merge key": valid + "base: &b {a: 1}\nmore: {<<: *b}\n",
        "unknown alias": valid + "more: *nowhere\n",
        "alias of itself": valid + "more: &m [*m]\n",
        "alias as a key": valid + "a: &k x\n? *k\n: y\n",
        "map as a key": valid + "? {a: b}\n: y\n",
        "list as a key": valid + "? [a]\n: y\n",
        "null as a key": valid + "? \n: y\n",
        "true as a key": valid + "yes: y\n",
        "placeholder without quotes": valid + "more: {{ .Values.x }}\n",
        "jinja statement": "{% for x in y %}\n" + valid + "{% endfor %}\n",
        "not a number": valid + "more: .nan\n",
        "infinity": valid + "more: -.inf\n",
        "list bomb": valid + _bomb("[{}]"),
        "map bomb": valid + _bomb("{{a: {}}}", "b"),
        "text bomb": valid + f"one: &t '{'x' * 20_000}'\nmore: [{', '.join(['*t'] * 20_000)}]\n",
        "deep lists": valid + "more: " + "[" * 100_000,
        "deep maps": valid + "more: " + "{a: " * 50_000,
        "deep dashes": valid + "more:\n" + "- " * 5_000 + "x\n",
        "deep blocks": valid + "".join(f"{' ' * n}k{n}:\n" for n in range(1_000)),
        "deep and closed": valid + "more: " + "[" * 1_000 + "]" * 1_000 + "\n",
        "10 MB text": valid + "more: '" + "x" * (10 * MIB) + "'\n",
        "10 MB key": valid + "x" * (10 * MIB) + ": 1\n",
        "10 MB comment": valid + "#" * (10 * MIB) + "\n",
        "10 MB of lines": valid + "\n" * (10 * MIB),
        "many values": valid + "more: [" + "1," * 100_000 + "]\n",
        "many keys": valid + "".join(f"k{n}: 1\n" for n in range(60_000)),
        "long plain key": valid + "x" * 200_000 + ": 1\n",
        "long line without an end": valid + 'more: "' + "x" * 900_000,
        "a thousand errors": valid + "".join(f"more{n}: !t x\n" for n in range(1_000)),
        "escape that is none": valid + 'more: "\\q"\n',
        "escape beyond Unicode": valid + 'more: "\\UFFFFFFFF"\n',
        "escaped surrogate": valid + 'more: "\\ud800"\n',
        "escaped NUL": valid + 'more: "a\\0b"\n',
        "noncharacter": valid + "more: a\ufffeb\n",
        "C1 control": valid + "more: a\x9bb\n",
        "DEL": valid + "more: a\x7fb\n",
        "windows path in double quotes": valid + 'more: "C:\\apps\\x"\n',
        "json with a comma too many": '{"apiVersion": "x",, "kind": "y"}\n',
        "xml": "<?xml version='1.0'?><app/>\n",
        "ini": "[app]\nname = orders\n",
        "shell": "#!/bin/sh\nrm -rf /\n",
        "conflict marks": "<<<<<<< HEAD\n" + valid + "=======\n>>>>>>> other\n",
    }
    data = {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}
    data |= {
        "NUL in the middle": whole + b"more: a\0b\n",
        "only a NUL": b"\0",
        "a megabyte of NUL": b"\0" * MIB,
        "escape sequence": whole + b"more: \x1b[2J\x1b]0;owned\x07\n",
        "UTF-16": valid.encode("utf-16"),
        "UTF-16 without a mark": valid.encode("utf-16-le"),
        "UTF-32": valid.encode("utf-32"),
        "Latin-1": whole + "more: Größe\n".encode("latin-1"),
        "overlong UTF-8": whole + b"more: \xc0\xaf\n",
        "surrogate in UTF-8": whole + b"more: \xed\xa0\x80\n",
        "cut in a letter": whole + b"more: \xe2\x82",
        "byte order mark in the middle": whole + b"\xef\xbb\xbfmore: \xff\n",
        "random bytes": bytes(range(256)) * 16,
        "gzip": b"\x1f\x8b\x08\x00" + b"\0" * 64,
        "ELF": b"\x7fELF\x02\x01\x01" + b"\0" * 64,
    }
    return data


def _bomb(shape: str, first: str = "a") -> str:
    """Return lines each of which repeats the one before ten times."""
    lines = [f"{first}0: &{first}0 [{', '.join(['x'] * 10)}]"]
    for n in range(1, 12):
        inner = ", ".join([f"*{first}{n - 1}"] * 10)
        lines.append(f"{first}{n}: &{first}{n} {shape.format(f'[{inner}]')}")
    return "\n".join(lines) + "\n"
