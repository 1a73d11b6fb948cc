"""IP addresses as bytes."""

import socket


def pack_ip(ip: str) -> bytes:
    """Return an IPv4 or IPv6 address as 4 or 16 bytes; an interface after % is left out. ValueError for neither."""
    text = ip.partition("%")[0].strip()
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except OSError as error:
        message = f"{ip!r} is not an IP address"
        raise ValueError(message) from error
