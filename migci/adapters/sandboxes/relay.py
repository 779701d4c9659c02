"""Runs a command whose only way out of its sandbox is one unix socket, as `python relay.py SOCKET COMMAND…`.

It runs inside, with nothing but the standard library. The command finds an HTTP proxy on loopback; each connection to
it is handed on to the socket, behind which migci decides where it may lead.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading


def bridged(one: socket.socket, other: socket.socket) -> None:
    """Hand on all bytes between two connections, both ways, until both ways are done or one of them breaks."""
    back = threading.Thread(target=_pumped, args=(other, one), daemon=True)
    back.start()
    _pumped(one, other)
    back.join()


def _pumped(source: socket.socket, target: socket.socket) -> None:
    """Hand on all bytes, then the end of them."""
    try:
        data = source.recv(1 << 16)
        while data:
            target.sendall(data)
            data = source.recv(1 << 16)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # Who waits for an answer on half a connection would wait for ever.
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def handed_on(client: socket.socket, path: str) -> None:
    """Lead one connection to the socket at `path`, and back."""
    with client, socket.socket(socket.AF_UNIX) as outside:
        try:
            outside.connect(path)
        except OSError:
            return  # it is as if the proxy were not there
        bridged(client, outside)


def serve(listener: socket.socket, path: str) -> None:
    """Hand on what comes, for ever."""
    while True:
        client, _ = listener.accept()
        threading.Thread(target=handed_on, args=(client, path), daemon=True).start()


def main(path: str, *command: str) -> int:
    """Run `command` with the proxy in its environment; returns its status."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    threading.Thread(target=serve, args=(listener, path), daemon=True).start()
    proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    proxies = {name: proxy for both in names for name in (both, both.lower())}
    return subprocess.call(command, env=dict(os.environ, **proxies))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
