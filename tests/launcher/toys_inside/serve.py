"""serve.py ADDRESS PORT [DELAY_S]: answers `GET /CODE` with that status, `GET /drip` endlessly, a byte at a time."""

import socket
import sys
import threading
import time


def answer(client: socket.socket) -> None:
    path = client.recv(4096).split()[1].decode()
    if path == "/drip":
        while True:
            client.sendall(b"x")
            time.sleep(0.05)
    if path == "/chunked":
        client.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nall \r\n6\r\nis wel\r\n1\r\nl\r\n0\r\n\r\n"
        )
    else:
        client.sendall(f"HTTP/1.1 {path[1:] or 200} X\r\nContent-Length: 4\r\n\r\nbody".encode())
    client.close()


def main() -> None:
    address, port = sys.argv[1], int(sys.argv[2])
    time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family, dualstack_ipv6=address == "::")
    while True:
        client, _ = listener.accept()
        threading.Thread(target=answer, args=(client,), daemon=True).start()


main()
