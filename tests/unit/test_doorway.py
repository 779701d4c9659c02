"""The one way out of a build: it leads to the package index, and nobody gets further by asking in another way."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from migci.adapters.sandboxes import doorway as module
from migci.adapters.sandboxes import relay
from migci.adapters.sandboxes.doorway import Doorway, Host, doorway, host_of
from migci.errors import UsageError
from tests.contract.flavors import eventually

LARGE = 32 << 20
ALSO_LARGE = bytes(range(256)) * (16 << 12)


class Index(BaseHTTPRequestHandler):
    """Answers with the path, and with the digest of what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"x" * LARGE if self.path == "/large" else self.path.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(hashlib.sha256(body).hexdigest().encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


@pytest.fixture
def index() -> Iterator[Host]:
    with Server(("127.0.0.1", 0), Index) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()


@pytest.fixture
def door(tmp_path: Path, index: Host) -> Iterator[Doorway]:
    with doorway(tmp_path / "door", frozenset({index})) as door:
        yield door


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """Somebody who listens, and is no index."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def came(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@contextmanager
def through(door: Doorway) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(door.path))
        yield client


def answer(client: socket.socket) -> bytes:
    """All that comes until it ends."""
    parts = []
    while data := client.recv(1 << 16):
        parts.append(data)
    return b"".join(parts)


def said(door: Doorway, *requests: bytes) -> bytes:
    with through(door) as client:
        for request in requests:
            client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return answer(client)


def tunnel(client: socket.socket, host: Host) -> http.client.HTTPConnection:
    """A connection to `host` through the door."""
    client.sendall(f"CONNECT {host[0]}:{host[1]} HTTP/1.1\r\nHost: {host[0]}:{host[1]}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head.startswith(b"HTTP/1.1 200 ")
    connection = http.client.HTTPConnection(*host)
    connection.sock = client
    return connection


def plain(host: Host, path: str = "/simple/") -> bytes:
    return f"GET http://{host[0]}:{host[1]}{path} HTTP/1.1\r\nHost: {host[0]}\r\nConnection: close\r\n\r\n".encode()


# Whom it leads to


def test_a_tunnel_leads_to_an_index(door: Doorway, index: Host) -> None:
    with through(door) as client:
        connection = tunnel(client, index)
        for path in ("/one", "/two"):  # it can be used again
            connection.request("GET", path)
            assert connection.getresponse().read() == path.encode()
    assert door.take_refused() == ()


def test_a_plain_request_reaches_an_index_as_the_index_wants_it(door: Doorway, index: Host) -> None:
    assert said(door, plain(index, "/simple/pip/?a=b")).endswith(b"\r\n\r\n/simple/pip/?a=b")


@pytest.mark.parametrize("way", ["tunnel", "plain"])
def test_another_port_of_the_same_machine_is_refused_and_told(door: Doorway, stranger: socket.socket, way: str) -> None:
    host = stranger.getsockname()
    request = plain(host) if way == "plain" else f"CONNECT {host[0]}:{host[1]} HTTP/1.1\r\n\r\n".encode()
    assert said(door, request).startswith(b"HTTP/1.1 403 ")
    assert door.take_refused() == (host,)
    assert door.take_refused() == ()
    assert not came(stranger)


@pytest.mark.parametrize(
    ("target", "refused"),
    [
        ("169.254.169.254:80", ("169.254.169.254", 80)),
        ("localhost:{port}", ("localhost", None)),
        ("127.1:{port}", ("127.1", None)),
        ("2130706433:{port}", ("2130706433", None)),
        ("[::1]:{port}", ("::1", None)),
        ("[::ffff:127.0.0.1]:{port}", ("::ffff:127.0.0.1", None)),
        ("127.0.0.1.:{port}", ("127.0.0.1.", None)),
        ("127.0.0.1@example.org:{port}", ("example.org", None)),
        ("EXAMPLE.org:443", ("example.org", 443)),
    ],
)
def test_no_other_name_is_the_index(door: Doorway, index: Host, target: str, refused: tuple[str, int | None]) -> None:
    """A name is an index's if it is the one that is allowed, wherever others lead."""
    asked = target.format(port=index[1])
    assert said(door, f"CONNECT {asked} HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.1 403 ")
    assert door.take_refused() == ((refused[0], refused[1] or index[1]),)


def test_the_header_does_not_say_where_it_leads(door: Doorway, index: Host, stranger: socket.socket) -> None:
    elsewhere = "{}:{}".format(*stranger.getsockname())
    assert b"/simple/" in said(door, plain(index).replace(f"Host: {index[0]}".encode(), f"Host: {elsewhere}".encode()))
    assert not came(stranger)


def test_a_second_request_on_a_connection_goes_where_the_first_went(
    door: Doorway, index: Host, stranger: socket.socket
) -> None:
    first = plain(index).replace(b"Connection: close\r\n", b"")
    told = said(door, first, plain(stranger.getsockname(), "/stolen"))
    assert told.count(b"HTTP/1.1 200 ") == 2  # the index answered both
    assert not came(stranger)


# Requests that are none


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET https://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"GET file:///etc/shadow HTTP/1.1\r\n\r\n",
        b"GET ftp://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"GET  http://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:99999 HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:x HTTP/1.1\r\n\r\n",
        b"CONNECT [::1:80 HTTP/1.1\r\n\r\n",
        b"CONNECT :80 HTTP/1.1\r\n\r\n",
        b"CONNECT a\x1b[2Jb:80 HTTP/1.1\r\n\r\n",
        b"CONNECT \xff\xfe:80 HTTP/1.1\r\n\r\n",
        b"\0" * 100 + b"\r\n\r\n",
        b"\x16\x03\x01" + b"x" * 100 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_of_a_proxy_is_told_so(door: Doorway, request_: bytes) -> None:
    assert said(door, request_).startswith(b"HTTP/1.1 400 ")
    assert door.take_refused() == ()


def test_nothing_is_sent_ahead_of_a_tunnel(door: Doorway, index: Host) -> None:
    request = f"CONNECT {index[0]}:{index[1]} HTTP/1.1\r\n\r\n".encode()
    assert said(door, request + plain(index)).startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end_is_given_up(door: Doorway) -> None:
    def without_end(client: socket.socket) -> None:
        while True:
            client.sendall(b"x" * 4096)

    with through(door) as client, pytest.raises(OSError, match=r"Broken pipe|reset"):
        without_end(client)


def test_an_index_that_is_not_there_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        host = gone.getsockname()
    with doorway(tmp_path / "door", frozenset({host})) as door:
        assert said(door, plain(host)).startswith(b"HTTP/1.1 502 ")


# Much of it


def test_large_bodies_come_whole_both_ways(door: Doorway, index: Host) -> None:
    with through(door) as client:
        connection = tunnel(client, index)
        connection.request("GET", "/large")
        assert len(connection.getresponse().read()) == LARGE
        connection.request("POST", "/", ALSO_LARGE)
        assert connection.getresponse().read().decode() == hashlib.sha256(ALSO_LARGE).hexdigest()


def test_many_connections_are_served_in_turn(door: Doorway, index: Host) -> None:
    def ask(number: int) -> bytes:
        return said(door, plain(index, f"/{number}")).partition(b"\r\n\r\n")[2]

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(ask, range(300))) == [f"/{number}".encode() for number in range(300)]


def test_a_crowd_that_says_nothing_takes_a_bounded_number_of_places(door: Doorway, index: Host) -> None:
    """They are in migci's own process, and its descriptors are all that it has."""
    process = psutil.Process()
    before = process.num_fds()
    with closing(Crowd(door, 200)) as crowd:
        eventually(lambda: door_s_own(process, before) - 200 == module._MOST_CONNECTIONS)
        assert process.num_threads() <= module._MOST_CONNECTIONS + 20
        crowd.close()
        assert said(door, plain(index)).endswith(b"/simple/")


class Crowd:
    def __init__(self, door: Doorway, size: int) -> None:
        self._all = [socket.socket(socket.AF_UNIX) for _ in range(size)]
        for one in self._all:
            one.setblocking(False)
            with suppress(BlockingIOError):  # the queue is full, which is as good
                one.connect(str(door.path))

    def close(self) -> None:
        for one in self._all:
            one.close()


def door_s_own(process: psutil.Process, before: int) -> int:
    return process.num_fds() - before


def test_only_so_many_refused_hosts_are_remembered(door: Doorway) -> None:
    for number in range(module._MOST_REFUSED + 50):
        said(door, f"CONNECT host-{number}:80 HTTP/1.1\r\n\r\n".encode())
    told = door.take_refused()
    assert told[:2] == (("host-0", 80), ("host-1", 80))
    assert len(told) == module._MOST_REFUSED


# Its end


def test_a_connection_that_breaks_on_one_side_ends_on_both(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as index:
        host = index.getsockname()
        with doorway(tmp_path / "door", frozenset({host})) as door, through(door) as client:
            tunnel(client, host)
            outside, _ = index.accept()
            client.sendall(b"ping")
            assert outside.recv(4) == b"ping"
            outside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            outside.close()  # with a reset
            assert client.recv(1) == b""


def test_a_door_that_closes_ends_what_is_on_its_way(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as index:
        host = index.getsockname()
        with doorway(tmp_path / "door", frozenset({host})) as door:
            idle = socket.socket(socket.AF_UNIX)
            idle.connect(str(door.path))
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(door.path))
            tunnel(client, host)
            outside, _ = index.accept()
        with idle, client, outside:
            for one in (idle, client, outside):
                one.settimeout(60)
                assert one.recv(1) == b""
    assert not (tmp_path / "door").exists()


def test_a_door_leaves_nothing_open(tmp_path: Path, index: Host) -> None:
    threads, descriptors = threading.active_count(), psutil.Process().num_fds()
    with doorway(tmp_path / "door", frozenset({index})) as door:
        said(door, plain(index))
        said(door, b"CONNECT elsewhere:80 HTTP/1.1\r\n\r\n")
    eventually(lambda: threading.active_count() <= threads)
    eventually(lambda: psutil.Process().num_fds() <= descriptors)


def test_a_path_that_is_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="longer than 107 bytes"), doorway(tmp_path / ("d" * 107), frozenset()):
        pass


# Inside


def test_a_command_finds_the_door_as_its_proxy_and_ends_as_itself(door: Doorway, index: Host) -> None:
    script = f"""
        import os, sys, urllib.request
        assert os.environ["HTTP_PROXY"] == os.environ["https_proxy"] == os.environ["ALL_PROXY"]
        print(urllib.request.urlopen("http://{index[0]}:{index[1]}/asked").read().decode())
        sys.exit(7)
    """
    words = [sys.executable, "-I", "-S", str(Path(relay.__file__)), str(door.path)]
    done = subprocess.run(
        [*words, sys.executable, "-c", "\n".join(line.strip() for line in script.splitlines())],
        capture_output=True,
        text=True,
        env={**os.environ, "no_proxy": ""},
    )
    assert (done.stdout, done.returncode) == ("/asked\n", 7), done.stderr


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/simple", ("example.org", 443)),
        ("http://Example.org/simple", ("example.org", 80)),
        ("https://user:secret@example.org:8443/simple", ("example.org", 8443)),
        ("file:///opt/simple", None),
        ("../files/x.whl", None),
        ("", None),
        ("https://", None),
        ("https://example.org:x/", None),
        ("https://[::1/", None),
    ],
)
def test_a_url_names_a_host_or_none(url: str, host: Host | None) -> None:
    assert host_of(url) == host
