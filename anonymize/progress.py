"""How far a long piece of work has come: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

LINE_EVERY_SECONDS = 10.0
_BAR_EVERY_SECONDS = 0.1

Watch = Callable[[int, int | None], None]
"""Is told how many bytes are done, and of how many if that is known."""


@contextmanager
def shown(what: str, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> Iterator[Watch]:
    """Shows, on the standard error if `out` is None, what it is told, with the rate and the time that is left."""
    stream = out or sys.stderr
    if not stream.isatty():
        yield lines(what, stream, clock)
        return
    # Only here, so that a command that shows no bar starts sooner.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn(what), *columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(what, total=None)
        last = clock()

        def told(done: int, total: int | None) -> None:
            nonlocal last
            if clock() - last >= _BAR_EVERY_SECONDS:
                last = clock()
                bar.update(task, completed=done, total=total)

        yield told


def lines(what: str, out: TextIO, clock: Callable[[], float]) -> Watch:
    """Writes a line every ten seconds."""
    began = last = clock()

    def told(done: int, total: int | None) -> None:
        nonlocal last
        now = clock()
        if now - last < LINE_EVERY_SECONDS:
            return
        last = now
        rate = done / (now - began)
        text = f"{what}: {done / 1e6:.0f} MB"
        if total:
            text += f" of {total / 1e6:.0f} MB ({done * 100 // total} %)"
        text += f", {rate / 1e6:.0f} MB/s"
        if total and rate:
            text += f", {_duration((total - done) / rate)} left"
        print(text, file=out, flush=True)

    return told


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
