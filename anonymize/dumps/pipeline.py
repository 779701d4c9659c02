"""Statements that are rewritten at the same time, and written in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from typing_extensions import Buffer

from anonymize.dumps.publish import Sink

_AHEAD = 2


class Pipeline:
    """A sink that also takes work: what the work makes is written where it was handed in. For one thread."""

    def __init__(self, sink: Sink, pool: ThreadPoolExecutor, jobs: int) -> None:
        self._sink = sink
        self._pool = pool
        self._most = jobs * _AHEAD
        self._waiting: deque[Buffer | Future[Buffer]] = deque()

    def write(self, data: Buffer, /) -> None:
        """`data` must not change any more. Raises what work handed in before has raised."""
        self._write_ready()
        if self._waiting:
            self._waiting.append(data)
        else:
            self._sink.write(data)

    def hand_in(self, work: Callable[[], Buffer]) -> None:
        """Have `work` done; waits while there is much ahead of it. Raises what work handed in before has raised."""
        self._waiting.append(self._pool.submit(work))
        self._write_ready(self._most)

    def finish(self) -> None:
        """Write all that is still waiting. Raises what the work has raised."""
        self._write_ready(0)

    def _write_ready(self, most: int | None = None) -> None:
        """Write what is done, and wait for what is not where more than `most` are waiting."""
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, Future):
                if not first.done() and (most is None or len(self._waiting) <= most):
                    return
                first = first.result()
            self._sink.write(first)
            self._waiting.popleft()


@contextmanager
def pipeline(sink: Sink, jobs: int) -> Iterator[Pipeline]:
    """A pipeline of so many threads; all has been written when the block ends well."""
    with ThreadPoolExecutor(jobs) as pool:
        made = Pipeline(sink, pool, jobs)
        try:
            yield made
            made.finish()
        finally:
            pool.shutdown(cancel_futures=True)
