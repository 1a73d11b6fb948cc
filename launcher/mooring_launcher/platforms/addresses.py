"""IP addresses as bytes."""

import socket

_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291: an IPv4 address as IPv6


def pack_ip(ip: str) -> bytes:
    """Return an address as 4 or 16 bytes without its zone; an IPv4-mapped IPv6 address as 4. ValueError for neither."""
    text = ip.partition("%")[0].strip()
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except OSError as error:
        message = f"{ip!r} is not an IP address"
        raise ValueError(message) from error
    return packed.removeprefix(_MAPPED) if len(packed) == 16 else packed
