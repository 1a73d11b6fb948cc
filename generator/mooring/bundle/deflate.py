"""Deflate (RFC 1951) whose output depends only on its input and this module.

What zlib writes differs between its versions and forks, and a chart must be the same bytes on every machine. For Python
sources this is within a percent or so of zlib's best level. The stream is built as text of `0` and `1` in the order in
which bits are sent: numbers from their lowest bit, Huffman codes from their highest (section 3.1.1).
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby

_WINDOW = 32768
_SHORTEST, _LONGEST = 3, 258
_TRIES = 128  # earlier places compared for each match; more cost time and save next to nothing
_BLOCK_STEPS = 16384  # that share one pair of codes
_STORED_BYTES = 65535

# One list holds the symbols of both codes: 256 literals, the end of a block, lengths, two unused ones, distances.
_END, _FIRST_LENGTH, _UNUSED, _FIRST_DISTANCE, _SYMBOLS = 256, 257, 286, 288, 318
_FIXED = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8 + [5] * 30  # section 3.2.6
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # section 3.2.7

# How many extra bits each symbol for a length or distance has, and the first value it stands for (section 3.2.5).
_LENGTH_BITS = [*[0] * 4, *(bits for bits in range(6) for _ in range(4)), 0]
_LENGTHS = [*accumulate((1 << bits for bits in _LENGTH_BITS[:27]), initial=_SHORTEST), _LONGEST]
_DISTANCE_BITS = [0, 0, *(bits for bits in range(14) for _ in range(2))]
_DISTANCES = [*accumulate((1 << bits for bits in _DISTANCE_BITS[:29]), initial=1)]

_Part = tuple[int, str]  # a symbol and its extra bits


def deflate(data: bytes) -> bytes:
    """Return `data` as a raw deflate stream, without the header and checksum of zlib or gzip."""
    steps = list(_steps(data))
    starts = range(0, len(steps) or 1, _BLOCK_STEPS)
    stream, at = "", 0
    for start in starts:
        block = steps[start : start + _BLOCK_STEPS]
        end = at + sum(size for size, _ in block)
        stream += "01"[start == starts[-1]]
        stream += _block([part for _, parts in block for part in parts], data[at:end], len(stream))
        at = end
    return int(stream[::-1], 2).to_bytes((len(stream) + 7) // 8, "little")


def _steps(data: bytes) -> Iterator[tuple[int, tuple[_Part, ...]]]:
    """Yield how many bytes each literal and match stands for, and its parts.

    A match gives way to a literal if a longer one begins at the next byte (section 4, lazy matching).
    """
    earlier = _earlier_places(data)
    at = 0
    while at < len(data):
        length, distance = _longest_match(data, earlier, at, _SHORTEST - 1)
        while length and (better := _longest_match(data, earlier, at + 1, length))[0]:
            yield 1, ((data[at], ""),)
            at += 1
            length, distance = better
        yield (length, _match(length, distance)) if length else (1, ((data[at], ""),))
        at += length or 1


def _match(length: int, distance: int) -> tuple[_Part, _Part]:
    size, place = bisect_right(_LENGTHS, length) - 1, bisect_right(_DISTANCES, distance) - 1
    return (
        (_FIRST_LENGTH + size, _number(length - _LENGTHS[size], _LENGTH_BITS[size])),
        (_FIRST_DISTANCE + place, _number(distance - _DISTANCES[place], _DISTANCE_BITS[place])),
    )


def _earlier_places(data: bytes) -> list[int]:
    """Return for each position the last one before it with the same three bytes, or -1."""
    last: dict[bytes, int] = {}
    places = []
    for at in range(len(data)):
        key = data[at : at + _SHORTEST]
        places.append(last.get(key, -1))
        last[key] = at
    return places


def _longest_match(data: bytes, earlier: Sequence[int], at: int, beat: int) -> tuple[int, int]:
    """Return length and distance of the longest match above `beat` bytes, the nearest of equals, or zeros."""
    most = min(_LONGEST, len(data) - at)
    distance = tries = 0
    place = at
    while beat < most and tries < _TRIES and (place := earlier[place]) >= max(0, at - _WINDOW):
        if data.startswith(data[at : at + beat + 1], place):
            beat, distance = beat + 1, at - place
            while beat < most and data[place + beat] == data[at + beat]:
                beat += 1
        tries += 1
    return (beat, distance) if distance else (0, 0)


def _block(parts: Sequence[_Part], data: bytes, at_bit: int) -> str:
    """Return a block of `data` less its first bit, to be sent from `at_bit` on: the smallest of the three kinds."""
    counts = Counter(symbol for symbol, _ in parts) + Counter([_END])
    symbols, distances = range(_FIRST_DISTANCE), range(_FIRST_DISTANCE, _SYMBOLS)
    own = _code_lengths(counts, symbols, 15) + _code_lengths(counts, distances, 15)
    blocks = ["10" + _coded(parts, _FIXED), "01" + _header(own) + _coded(parts, own)]
    if len(data) <= _STORED_BYTES:  # section 3.2.4
        pad = "0" * (-(at_bit + 2) % 8)
        sizes = _number(len(data), 16) + _number(len(data) ^ 0xFFFF, 16)
        blocks.append("00" + pad + sizes + "".join(_number(byte, 8) for byte in data))
    return min(blocks, key=len)


def _coded(parts: Iterable[_Part], lengths: Sequence[int]) -> str:
    codes = _codes(lengths[:_FIRST_DISTANCE]) + _codes(lengths[_FIRST_DISTANCE:])
    return "".join(codes[symbol] + extra for symbol, extra in parts) + codes[_END]


def _code_lengths(counts: Mapping[int, int], symbols: range, limit: int) -> list[int]:
    """Return the length of each symbol's Huffman code, 0 for one that does not occur.

    If one is longer than the limit, halve the counts, which makes the tree flatter, and try again.
    """
    lengths = dict.fromkeys(symbols, 0)
    heap = [(counts[symbol], symbol, [symbol]) for symbol in symbols if symbol in counts]
    heapq.heapify(heap)
    if len(heap) == 1:
        lengths[heap[0][1]] = 1  # one bit, not none (section 3.2.7)
    while len(heap) > 1:
        (one, tie, some), (other, _, others) = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in some + others:
            lengths[symbol] += 1
        heapq.heappush(heap, (one + other, tie + _SYMBOLS, some + others))  # of equal counts, symbols come first
    if max(lengths.values()) <= limit:
        return list(lengths.values())
    return _code_lengths({symbol: (count + 1) // 2 for symbol, count in counts.items()}, symbols, limit)


def _codes(lengths: Sequence[int]) -> list[str]:
    """Return the code of each symbol, "" where its length is 0 (section 3.2.2)."""
    codes, code, before = [""] * len(lengths), -1, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        code = (code + 1) << (length - before)
        codes[symbol], before = f"{code:0{length}b}", length
    return codes


def _header(lengths: Sequence[int]) -> str:
    """Return the lengths of both codes of a block, all 286 and 30, in a third code (section 3.2.7)."""
    runs = list(_runs([*lengths[:_UNUSED], *lengths[_FIRST_DISTANCE:]]))
    own = _code_lengths(Counter(symbol for symbol, _ in runs), range(len(_ORDER)), 7)
    codes = _codes(own)
    counts = _number(286 - 257, 5) + _number(30 - 1, 5) + _number(19 - 4, 4)
    sent = "".join(_number(own[symbol], 3) for symbol in _ORDER)
    return counts + sent + "".join(codes[symbol] + extra for symbol, extra in runs)


def _runs(lengths: Iterable[int]) -> Iterator[_Part]:
    """Yield a length as itself or, three times or more, as 16 (the last one again), 17 or 18 (zeros)."""
    for length, group in groupby(lengths):
        left = len(list(group))
        if length:
            yield length, ""
            left -= 1
        while left >= 3:
            symbol, least, bits = (16, 3, 2) if length else (17, 3, 3) if left < 11 else (18, 11, 7)
            run = min(left, least + (1 << bits) - 1)
            yield symbol, _number(run - least, bits)
            left -= run
        yield from [(length, "")] * left


def _number(value: int, bits: int) -> str:
    """Return a number from its lowest bit."""
    return f"{value:0{bits}b}"[::-1] if bits else ""
