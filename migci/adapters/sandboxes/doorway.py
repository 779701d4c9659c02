"""The one way out of a sandbox: an HTTP proxy on a unix socket that leads to the named hosts and nowhere else."""

from __future__ import annotations

import os
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from migci.adapters.sandboxes.relay import bridged
from migci.errors import UsageError

Host = tuple[str, int]
"""A name and a port."""

_LONGEST_HEAD = 1 << 16
_LONGEST_PATH = 107
_MOST_CONNECTIONS = 64
_MOST_REFUSED = 100
_SECONDS = 60.0
_ANSWER = "HTTP/1.1 {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
_PORTS = {"http": 80, "https": 443}


class Doorway:
    """An open door. Use `doorway`.

    Who comes through it is hostile, and it is in migci's own process: so there are never more than some connections,
    the next one waits for its turn.
    """

    def __init__(self, socket_path: Path, allowed: frozenset[Host]) -> None:
        self.path = socket_path
        self._refused: dict[Host, None] = {}
        self._allowed = allowed
        self._places = threading.Semaphore(_MOST_CONNECTIONS)
        self._open: set[socket.socket] = set()
        self._closed = False
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(socket_path))
        socket_path.chmod(0o666)  # who may reach it is decided by who sees it
        self._listener.listen()

    def take_refused(self) -> tuple[Host, ...]:
        """The hosts that were asked for since this was last asked, and are not allowed; the first hundred of them."""
        with self._lock:
            refused, self._refused = self._refused, {}
        return tuple(refused)

    def serve(self) -> None:
        while True:
            self._places.acquire()
            try:
                client, _ = self._listener.accept()
                threading.Thread(target=self._lead, args=(client,), daemon=True).start()
            except OSError:
                return

    def close(self) -> None:
        """Let nobody through any more, those included who are on their way."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            self._closed = True
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self._places.release()
        self.path.unlink(missing_ok=True)

    @contextmanager
    def _known(self, one: socket.socket) -> Iterator[None]:
        """`close` ends it."""
        with self._lock:
            if self._closed:
                raise OSError("the door is closed")
            self._open.add(one)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(one)

    def _lead(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            try:
                with self._known(client):
                    self._led(client)
            finally:
                self._places.release()

    def _led(self, client: socket.socket) -> None:
        client.settimeout(_SECONDS)
        try:
            target, first = _asked(_head(client))
        except ValueError:
            _answer(client, "400 Bad Request")
            return
        if target not in self._allowed:
            with self._lock:
                if len(self._refused) < _MOST_REFUSED:
                    self._refused[target] = None
            _answer(client, "403 Forbidden")
            return
        try:
            outside = socket.create_connection(target, timeout=_SECONDS)
        except OSError:
            _answer(client, "502 Bad Gateway")
            return
        with outside, self._known(outside):
            # A build may pause for as long as it likes; it ends, and the door with it.
            client.settimeout(None)
            outside.settimeout(None)
            if first is None:
                client.sendall(_OPEN)
            else:
                outside.sendall(first)
            bridged(client, outside)


def _answer(client: socket.socket, what: str) -> None:
    client.sendall(_ANSWER.format(what).encode())


@contextmanager
def doorway(socket_path: Path, allowed: frozenset[Host]) -> Iterator[Doorway]:
    """A door at `socket_path` that leads to the `allowed` hosts, until exit.

    Raises UsageError when the path is too long for a socket.
    """
    if len(os.fsencode(socket_path)) > _LONGEST_PATH:
        raise UsageError(
            f"the path of the way to the package index is longer than {_LONGEST_PATH} bytes: {socket_path}",
            hint="point MIGCI_STORE at a folder with a shorter path",
        )
    door = Doorway(socket_path, allowed)
    serving = threading.Thread(target=door.serve, daemon=True)
    serving.start()
    try:
        yield door
    finally:
        door.close()
        serving.join()


def _head(client: socket.socket) -> bytes:
    """The head of a request, and what came with it. Raises ValueError if it is none."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(4096)
        if not data or len(head) > _LONGEST_HEAD:
            raise ValueError("not a request")
        head += data
    return head


def _asked(head: bytes) -> tuple[Host, bytes | None]:
    """Where a request wants to go, and what to send there first; `None` for a tunnel. Raises ValueError.

    Nothing is sent into a tunnel before it is there, so what came with the request for one is no request.

    See RFC 9112, section 3.2: the request's target is an authority for CONNECT, else an absolute URL.
    """
    line, _, rest = head.partition(b"\r\n")
    if not line.isascii() or not line.decode("ascii").isprintable():
        raise ValueError("not a request")
    method, target, version = line.decode("ascii").split(" ")
    if method == "CONNECT":
        at = urllib.parse.urlsplit(f"//{target}")
        if at.hostname is None or at.port is None:
            raise ValueError(target)
        if head.index(b"\r\n\r\n") + 4 < len(head):
            raise ValueError("it did not wait")
        return (at.hostname, at.port), None
    url = urllib.parse.urlsplit(target)
    if url.scheme != "http" or url.hostname is None:
        raise ValueError(target)
    path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
    return (url.hostname, url.port or 80), f"{method} {path} {version}\r\n".encode() + rest


def host_of(url: str) -> Host | None:
    """The host and the port of a URL; `None` if it names none, or is of another kind than HTTP."""
    with suppress(ValueError):
        at = urllib.parse.urlsplit(url)
        if at.hostname is not None and at.scheme in _PORTS:
            return at.hostname, at.port or _PORTS[at.scheme]
    return None
