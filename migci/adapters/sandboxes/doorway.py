"""The one way out of a sandbox: an HTTP proxy on a unix socket that leads to the named hosts and nowhere else."""

from __future__ import annotations

import socket
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from migci.adapters.sandboxes.relay import pump

Host = tuple[str, int]
"""A name and a port."""

_LONGEST_HEAD = 1 << 16
_SECONDS = 60.0
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_GONE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
_PORTS = {"http": 80, "https": 443}


class Doorway:
    """An open door. Use `doorway`. `refused` are the hosts that were asked for and are not allowed, in that order."""

    def __init__(self, socket_path: Path, allowed: frozenset[Host]) -> None:
        self.path = socket_path
        self.refused: list[Host] = []
        self._allowed = allowed
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(socket_path))
        socket_path.chmod(0o666)  # who may reach it is decided by who sees it
        self._listener.listen()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _lead(self, client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            client.settimeout(_SECONDS)
            head = _head(client)
            target, first = _asked(head)
            if target not in self._allowed:
                self.refused.append(target)
                client.sendall(_REFUSED)
                return
            try:
                outside = socket.create_connection(target, timeout=_SECONDS)
            except OSError:
                client.sendall(_GONE)
                raise
            with outside:
                if first is None:
                    client.sendall(_OPEN)
                else:
                    outside.sendall(first)
                back = threading.Thread(target=pump, args=(outside, client), daemon=True)
                back.start()
                pump(client, outside)
                back.join()


@contextmanager
def doorway(socket_path: Path, allowed: frozenset[Host]) -> Iterator[Doorway]:
    """A door at `socket_path` that leads to the `allowed` hosts, until exit."""
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

    See RFC 9112, section 3.2: the request's target is an authority for CONNECT, else an absolute URL.
    """
    line, _, rest = head.partition(b"\r\n")
    method, target, version = line.decode("ascii").split(" ")
    if method == "CONNECT":
        at = urllib.parse.urlsplit(f"//{target}")
        if at.hostname is None or at.port is None:
            raise ValueError(target)
        return (at.hostname, at.port), None
    url = urllib.parse.urlsplit(target)
    if url.scheme != "http" or url.hostname is None:
        raise ValueError(target)
    path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
    return (url.hostname, url.port or 80), f"{method} {path} {version}\r\n".encode() + rest


def host_of(url: str) -> Host | None:
    """The host and the port of a URL; `None` if it names none, or is of another kind than HTTP."""
    at = urllib.parse.urlsplit(url)
    if at.hostname is None or at.scheme not in _PORTS:
        return None
    return at.hostname, at.port or _PORTS[at.scheme]
