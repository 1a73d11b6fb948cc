"""TCP, HTTP and command checks against real servers, good and hostile."""

import itertools
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, create_server, socket

import pytest
from mooring_launcher.gate.checks import Endpoint, HttpRequest, check_command, check_http, check_tcp
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment, Inside

from tests.launcher.inside_helpers import ANY_IPV4, namespace, random_ip, target, toy, wait_for

pytestmark = pytest.mark.sandbox

PLAIN = HttpRequest(https=False, path="/", headers={}, statuses=frozenset(), body=None)


@contextmanager
def answering(ip: str, inside: Compartment, answer: Callable[[socket], None], port: int = 8080) -> Iterator[Endpoint]:
    """Serve each connection inside the compartment by a function in a thread."""
    listener = backend().run_inside(inside, lambda: create_server((ip, port)))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=guard, args=(client,), daemon=True).start()

    def guard(client: socket) -> None:
        with client:
            try:
                answer(client)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield Endpoint(Inside(backend(), inside), ip, port)
    finally:
        listener.shutdown(2)
        listener.close()


def saying(text: bytes) -> Callable[[socket], None]:
    def answer(client: socket) -> None:
        client.recv(4096)
        client.sendall(text)

    return answer


def test_the_compartment_is_not_the_host() -> None:
    """A server in the compartment answers the checks, but cannot be reached from the host."""
    ip = random_ip()
    with namespace(ip) as inside, toy(inside, "serve.py", ANY_IPV4, "8080"):
        endpoint = Endpoint(Inside(backend(), inside), ip, 8080)
        wait_for(lambda: check_tcp(endpoint, 1).good, "the server")
        assert check_http(endpoint, PLAIN, 1).good
        with pytest.raises(OSError, match=r"unreachable|timed out|refused"):
            create_connection((ip, 8080), 0.5).close()


def test_a_closed_port_is_told() -> None:
    """A refused connection is a failed check with the reason, for both TCP and HTTP."""
    ip = random_ip()
    with namespace(ip) as inside:
        endpoint = Endpoint(Inside(backend(), inside), ip, 8080)
        assert check_tcp(endpoint, 1) == (False, f"TCP connection to {ip}:8080: Connection refused")
        assert check_http(endpoint, PLAIN, 1) == (False, f"GET http://{ip}:8080/: Connection refused")


@pytest.mark.parametrize(
    ("path", "statuses", "body", "good", "words"),
    [
        ("/200", (), None, True, "status 200"),
        ("/399", (), None, True, "status 399"),
        ("/400", (), None, False, "status 400, wanted 200 to 399"),
        ("/503", (503,), None, True, "status 503"),
        ("/200", (201, 204), None, False, "status 200, wanted 201, 204"),
        ("/200", (), "^bod", True, "status 200"),
        ("/200", (), "soul", False, "body does not match 'soul'"),
        ("/chunked", (), "all is well", True, "status 200"),
    ],
)
def test_status_and_body_are_judged(
    path: str, statuses: tuple[int, ...], body: str | None, good: bool, words: str
) -> None:
    """Accepted statuses are 200 to 399 unless listed; the body must match where an expression is set."""
    ip = random_ip()
    request = PLAIN._replace(path=path, statuses=frozenset(statuses), body=re.compile(body) if body else None)
    with namespace(ip) as inside, toy(inside, "serve.py", ANY_IPV4, "8080"):
        endpoint = Endpoint(Inside(backend(), inside), ip, 8080)
        wait_for(lambda: check_tcp(endpoint, 1).good, "the server")
        look = check_http(endpoint, request, 2)
        assert look.good is good
        assert look.value.endswith(words)


def test_the_request_is_what_was_configured() -> None:
    """Host and other headers are sent as configured; without a host it is the anchor's IP and port."""
    ip = random_ip()
    seen: list[bytes] = []

    def answer(client: socket) -> None:
        seen.append(client.recv(4096))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with namespace(ip) as inside, answering(ip, inside, answer) as endpoint:
        assert check_http(endpoint, PLAIN, 2).good
        assert check_http(endpoint, PLAIN._replace(path="/a?b=c", headers={"Host": "orders", "X-Key": "1"}), 2).good
        assert "a line break" in check_http(endpoint, PLAIN._replace(headers={"X": "a\r\nY: b"}), 2).value
    assert seen[0].startswith(f"GET / HTTP/1.1\r\nHost: {ip}:8080\r\nUser-Agent: kube-probe/".encode())
    assert seen[0].endswith(b"\r\nAccept: */*\r\nConnection: close\r\n\r\n")
    assert seen[1].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: orders\r\n")
    assert b"X-Key: 1\r\n" in seen[1]


@pytest.mark.parametrize("dripping", ["head", "body", "nothing"])
def test_a_slow_answer_is_cut_off(dripping: str) -> None:
    """A server that sends a byte at a time, or nothing, cannot exceed the time limit."""
    ip = random_ip()

    def answer(client: socket) -> None:
        if dripping == "body":
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            if dripping != "nothing":
                client.sendall(b"x")
            time.sleep(0.02)

    with namespace(ip) as inside, answering(ip, inside, answer) as endpoint:
        began = time.monotonic()
        look = check_http(endpoint, PLAIN._replace(body=re.compile("z")), 0.3)
        assert time.monotonic() - began < 2
    assert look == (False, f"GET http://{ip}:8080/: no answer within 0.3 s")


@pytest.mark.parametrize(
    "text",
    [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"x" * 100_000, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: y\r\n"],
)
def test_what_is_no_http_is_told(text: bytes) -> None:
    """An answer that is not HTTP, or ends early, fails with a message, not an exception."""
    ip = random_ip()
    with namespace(ip) as inside, answering(ip, inside, saying(text)) as endpoint:
        look = check_http(endpoint, PLAIN, 2)
    assert not look.good
    assert "not HTTP" in look.value or "reset" in look.value


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.0 200\n\nok",
        b"HTTP/1.1  200 fine\r\nContent-Length: 2\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 102 Processing\n\nHTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\no\n1\r\nk\r\n0\n\n",
    ],
)
def test_answers_are_read_as_kubelet_reads_them(text: bytes) -> None:
    """Lines may end in a bare LF, interim answers may precede the final one, and a reason phrase is not required."""
    ip = random_ip()
    with namespace(ip) as inside, answering(ip, inside, saying(text)) as endpoint:
        assert check_http(endpoint, PLAIN._replace(body=re.compile("^ok")), 2).value.endswith("status 200")
        assert check_http(endpoint, PLAIN, 2).good


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101, wanted 200 to 399"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 9, "more than 5 interim answers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "the answer's body ends early"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "the answer's body ends early"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "the answer is not HTTP"),
    ],
)
def test_what_kubelet_fails_fails(text: bytes, words: str) -> None:
    """A protocol switch, endless interim answers and a body that breaks off are failures."""
    ip = random_ip()
    with namespace(ip) as inside, answering(ip, inside, saying(text)) as endpoint:
        look = check_http(endpoint, PLAIN, 2)
    assert (look.good, look.value.endswith(words)) == (False, True), look


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/health check", "/health%20check"),
        ("/gesund/prüfung", "/gesund/pr%C3%BCfung"),
        ("/状態?q=ü b&c=d", "/%E7%8A%B6%E6%85%8B?q=%C3%BC%20b&c=d"),
        ("/a%20b/%C3%BC?x=%20#part", "/a%20b/%C3%BC?x=%20"),
        ("/a(b)!*[c]'$&+,;=:@~", "/a(b)!*[c]'$&+,;=:@~"),
        ('/a(b) "c"', "/a%28b%29%20%22c%22"),
        ("/100%?x", "/100%25%3Fx"),
        ("/?", "/?"),
    ],
)
def test_paths_are_encoded_as_kubelet_encodes_them(path: str, line: str) -> None:
    """What a request line cannot contain is percent-encoded as UTF-8, as Go's net/url does."""
    ip = random_ip()
    seen: list[bytes] = []

    def answer(client: socket) -> None:
        seen.append(client.recv(4096))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with namespace(ip) as inside, answering(ip, inside, answer) as endpoint:
        assert check_http(endpoint, PLAIN._replace(path=path, headers={"X-Name": "ü"}), 2).good
    assert seen[0].startswith(f"GET {line} HTTP/1.1\r\n".encode("ascii"))
    assert "X-Name: ü\r\n".encode() in seen[0]


@pytest.mark.parametrize(
    ("location", "statuses", "good", "words"),
    [
        ("/ok", (), True, "status 200"),
        ("ok", (), True, "status 200"),
        ("http://{ip}:8080/ok", (), True, "status 200"),
        ("/broken", (), False, "status 500, wanted 200 to 399"),
        ("/loop", (), False, "stopped after 10 redirects"),
        ("https://elsewhere.example/broken", (), True, "status 302"),
        ("/broken", (302,), True, "status 302"),
        ("/ok", (200,), False, "status 302, wanted 200"),
        ("http://{ip}:1/ok", (), False, "Connection refused"),
        ("http://[", (), False, "Invalid IPv6 URL"),
    ],
)
def test_redirects_are_followed_as_kubelet_follows_them(
    location: str, statuses: tuple[int, ...], good: bool, words: str
) -> None:
    """Up to ten redirects to the anchor itself are followed; one to another host ends it; `status` can require one."""
    ip = random_ip()
    first = f"HTTP/1.1 302 Found\r\nLocation: {location.format(ip=ip)}\r\nContent-Length: 0\r\n\r\n"
    pages = {b"/ok": "HTTP/1.1 200 OK\r\n\r\n", b"/broken": "HTTP/1.1 500 No\r\n\r\n"}

    def answer(client: socket) -> None:
        client.sendall(pages.get(client.recv(4096).split()[1], first).encode())

    with namespace(ip) as inside, answering(ip, inside, answer) as endpoint:
        look = check_http(endpoint, PLAIN._replace(statuses=frozenset(statuses)), 2)
    assert (look.good, look.value.endswith(words)) == (good, True), look


def test_the_wrong_body_for_an_expression_costs_its_check_alone() -> None:
    """A regular expression that would take hours on a hostile body is stopped in time; nothing else waits for it."""
    ip = random_ip()
    text = b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 5000 + b"!"
    turns: list[float] = []
    done = threading.Event()

    def turn() -> None:
        while not done.wait(0.01):
            turns.append(time.monotonic())

    with namespace(ip) as inside, answering(ip, inside, saying(text)) as endpoint:
        threading.Thread(target=turn, daemon=True).start()
        began = time.monotonic()
        look = check_http(endpoint, PLAIN._replace(body=re.compile("(a+)+$")), 1)
        took_s = time.monotonic() - began
        done.set()
        assert check_http(endpoint, PLAIN._replace(body=re.compile("a+!$")), 5).good
        assert not check_http(endpoint, PLAIN._replace(body=re.compile("b+")), 5).good
    assert (look.good, "not matched against '(a+)+$' in time" in look.value) == (False, True), look
    assert took_s < 3
    assert max(later - sooner for sooner, later in itertools.pairwise(turns)) < 1


@pytest.mark.parametrize("head", [b"", b"Content-Length: 9999999\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_only_the_first_64_kib_of_a_body_count(head: bytes) -> None:
    """An endless body is read up to the limit, and that part is judged."""
    ip = random_ip()

    def answer(client: socket) -> None:
        client.recv(4096)
        client.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        while True:
            client.sendall(b"8000\r\n" + b"x" * 0x8000 + b"\r\n" if b"chunked" in head else b"x" * 0x8000)

    with namespace(ip) as inside, answering(ip, inside, answer) as endpoint:
        assert check_http(endpoint, PLAIN._replace(body=re.compile("xxx")), 5).good
        assert not check_http(endpoint, PLAIN._replace(body=re.compile("y")), 5).good


@pytest.mark.parametrize("body", [b"zz\r\nabc", b"5\r\nab", b"\r\n"])
def test_broken_chunks_do_not_match(body: bytes) -> None:
    """A chunked body that breaks off, or is not chunked at all, fails a body check."""
    ip = random_ip()
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    with namespace(ip) as inside, answering(ip, inside, saying(text)) as endpoint:
        assert not check_http(endpoint, PLAIN._replace(body=re.compile("abc")), 2).good


def test_https_is_not_verified(tmp_path: Path) -> None:
    """A self-signed certificate is accepted, as by kubelet's probes; a server without TLS fails with a message."""
    import trustme

    ip = random_ip()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("elsewhere.example").configure_cert(context)

    def answer(client: socket) -> None:
        with context.wrap_socket(client, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    request = PLAIN._replace(https=True, body=re.compile("ok"))
    with namespace(ip) as inside:
        with answering(ip, inside, answer) as endpoint:
            assert check_http(endpoint, request, 5) == (True, f"GET https://{ip}:8080/: status 200")
        with answering(ip, inside, saying(b"HTTP/1.1 400 no\r\n\r\n"), 8081) as endpoint:
            assert not check_http(endpoint, request, 5).good


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ssl's, for versions this old
@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (ssl.TLSVersion.TLSv1, "AES128-SHA:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_1, "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_3, "ALL"),
    ],
)
def test_https_accepts_what_old_programs_speak(tmp_path: Path, version: ssl.TLSVersion, ciphers: str) -> None:
    """A server that offers only one old version and one old suite, with a short key, can still be checked."""
    ip = random_ip()
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    line = ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-sha1", "-subj", "/CN=old", "-days", "1"]
    subprocess.run([*line, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers if "@" in ciphers else f"{ciphers}:@SECLEVEL=0")
    context.load_cert_chain(certificate, key)
    context.minimum_version = context.maximum_version = version

    def answer(client: socket) -> None:
        with context.wrap_socket(client, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with namespace(ip) as inside, answering(ip, inside, answer) as endpoint:
        look = check_http(endpoint, PLAIN._replace(https=True, body=re.compile("ok")), 5)
    assert look == (True, f"GET https://{ip}:8080/: status 200")


def test_commands_are_judged_by_their_exit() -> None:
    """A command's exit code, its last line, its timeout and its absence are reported."""
    with namespace(random_ip()) as inside, target(inside, "/bin/sleep", "60") as started:
        assert check_command(started, ["/bin/sh", "-c", "echo a; echo b"], 5) == (
            True,
            "command /bin/sh exited with code 0: b",
        )
        assert check_command(started, ["/bin/sh", "-c", "exit 2"], 5) == (False, "command /bin/sh exited with code 2")
        late = check_command(started, ["/bin/sleep", "60"], 0.2)
        assert late == (False, "command /bin/sleep did not end within 0.2 s")
        assert check_command(started, ["/no/such"], 5) == (False, "command /no/such does not exist on this node")
