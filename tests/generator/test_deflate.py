"""Our own deflate against zlib: it restores every input, is about as small, and never changes by itself."""

from __future__ import annotations

import ast
import hashlib
import io
import random
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mooring.bundle.deflate import deflate
from mooring.bundle.zip import pack

SOURCE = Path(ast.__file__).read_bytes()
"""Python as people write it, 60 KB; different in each version of Python."""
TEXT = "".join(
    f"def line_{n * n % 101}(self, at: int) -> str:\n    return {n % 7} + at\n\n" for n in range(900)
).encode()
RANDOM = random.Random(1951)
FAR = RANDOM.randbytes(32768)


def deep() -> bytes:
    """Return bytes that need a code of 17 bits: the rarest in Fibonacci numbers, and no three of them twice."""
    counts = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, *[233] * 68]  # the end of the block is the first number
    pool = [byte for byte, count in enumerate(counts) for _ in range(count)]
    RANDOM.shuffle(pool)
    data, seen = bytearray(), set[bytes]()
    while pool:
        at = next(at for at in reversed(range(len(pool))) if bytes([*data[-2:], pool[at]]) not in seen)
        data.append(pool.pop(at))
        seen.add(bytes(data[-3:]))
    return bytes(data)


def normal() -> bytes:
    """Return bytes whose code lengths themselves need a code of more than 7 bits."""
    draw = random.Random(75)
    return bytes(int(draw.gauss(128, 45)) & 255 for _ in range(7000))


INPUTS = {
    "empty": b"",
    "one byte": b"a",
    "all equal": b"\0" * 100_000,
    "longest match": b"b" * 259,
    "every byte": bytes(range(256)),
    "every byte twice": bytes(range(256)) * 2,
    "random": RANDOM.randbytes(70_000),
    "repeats as far as the window": (FAR * 3)[:70_000],
    "repeats one byte beyond the window": (FAR + b"x" + FAR + b"y" + FAR)[:70_000],
    "text": TEXT,
    "source": SOURCE,
    "a code of more than 15 bits": deep(),
    "a code for lengths of more than 7 bits": normal(),
}


def inflate(stream: bytes) -> bytes:
    """Return what zlib reads; the stream must be complete and end with its last byte."""
    reader = zlib.decompressobj(-15)
    data = reader.decompress(stream)
    assert reader.eof
    assert not reader.unused_data
    return data


def best_of_zlib(data: bytes) -> int:
    """Return the size that zlib's level 9 achieves."""
    writer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return len(writer.compress(data) + writer.flush())


@pytest.mark.parametrize("data", INPUTS.values(), ids=INPUTS.keys())
def test_zlib_reads_it_and_is_hardly_smaller(data: bytes) -> None:
    """Each kind of block and each end of its ranges is restored, in at most 1.08 times the size of zlib's."""
    stream = deflate(data)
    assert inflate(stream) == data
    assert len(stream) <= 1.08 * best_of_zlib(data) + 1


def repetitive() -> st.SearchStrategy[bytes]:
    """Inputs of few pieces, so that matches overlap, follow each other and are as long as possible."""
    pieces = st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5)
    return pieces.flatmap(
        lambda these: st.lists(st.tuples(st.sampled_from(these), st.integers(1, 300)), max_size=20)
    ).map(lambda picks: b"".join(piece * times for piece, times in picks))


@settings(max_examples=300)
@given(st.binary(max_size=400) | repetitive() | st.text(max_size=400).map(str.encode))
def test_zlib_reads_whatever_it_writes(data: bytes) -> None:
    """Every input is restored."""
    assert inflate(deflate(data)) == data


@settings(max_examples=25)
@given(st.integers(), st.lists(st.integers(1, 4000), min_size=1, max_size=40))
def test_zlib_reads_whatever_the_counts_are(seed: int, counts: list[int]) -> None:
    """Literals in any mixture are restored, so codes of any shape are complete and within their limits."""
    mixed = [byte for byte, count in enumerate(counts) for _ in range(count)]
    random.Random(seed).shuffle(mixed)
    assert inflate(deflate(bytes(mixed))) == bytes(mixed)


def test_the_bytes_never_change() -> None:
    """The same input gives the same stream in every Python: a change here renames every launcher in a chart."""
    assert (
        hashlib.sha256(deflate(TEXT)).hexdigest() == "62cd25490f1495c25202a2252680d12c1f9ceebe589b18dedb4a37f4cb6278ad"
    )


@pytest.mark.parametrize("deflated", [True, False])
def test_a_zip_holds_the_files_in_order(deflated: bool) -> None:
    """Python's reader finds names, contents, checksums, dates and modes; nothing depends on the order of the input."""
    files = {"b/two.py": SOURCE, "a.txt": b"", "b/one.py": b"x = 1\n", "c/größe.txt": b"1"}
    made = pack(files, deflated=deflated)
    assert pack(dict(reversed(files.items())), deflated=deflated) == made
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert archive.namelist() == sorted(files)
        kind = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
        for info in archive.infolist():
            assert (info.date_time, info.create_system) == ((1980, 1, 1, 0, 0, 0), 3)
            assert (info.external_attr >> 16, info.compress_type) == (0o100644, kind)
