"""Statements that are rewritten at the same time come out in their order, and tell what is wrong as one alone does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from typing_extensions import Buffer

from anonymize.dumps.pipeline import Pipeline, pipeline
from anonymize.dumps.statements import Options
from anonymize.errors import Unreadable
from tests.unit.anonymize.dumping import USERS, rewritten

ROWS = b",".join(b"(%d,'somebody@example.org','a note; it''s ; long')" % number for number in range(1000))
DUMP = USERS + b"".join(b"INSERT INTO `users` VALUES %s;\n-- %d\n" % (ROWS, number) for number in range(9))


class Written(list[bytes]):
    def write(self, data: Buffer, /) -> None:
        self.append(bytes(data))


@pytest.mark.parametrize("piece", [1000, 1 << 20])
@pytest.mark.parametrize("jobs", [2, 5])
def test_jobs_change_nothing_in_what_is_written(jobs: int, piece: int) -> None:
    assert rewritten(DUMP, piece=piece, options=Options(jobs=jobs)) == rewritten(DUMP)


def test_an_error_in_a_job_names_the_line_that_one_alone_names() -> None:
    broken = DUMP.replace(b"-- 6\n", b"INSERT INTO users VALUES (1,\n'x','y'),(1,2);\n")
    broken = broken.replace(b"(999,'somebody", b"(999,'a'),\n(1,'somebody", 1)
    messages = set()
    for jobs in (1, 3):
        with pytest.raises(Unreadable) as caught:
            rewritten(broken, options=Options(jobs=jobs))
        messages.add(caught.value.message)
    assert len(messages) == 1


def test_what_is_handed_in_first_is_written_first_however_long_it_takes() -> None:
    gate, sink = threading.Event(), Written()

    def slow() -> bytes:
        gate.wait(60)
        return b"a"

    with pipeline(sink, 2) as made:
        made.hand_in(slow)
        made.write(b"b")
        made.hand_in(lambda: b"c")
        made.write(b"d")
        assert sink == []
        gate.set()
    assert sink == [b"a", b"b", b"c", b"d"]


def test_no_more_is_taken_in_than_a_few_for_each_job() -> None:
    gate, sink = threading.Event(), Written()
    with ThreadPoolExecutor(1) as pool:
        made = Pipeline(sink, pool, 1)
        made.hand_in(lambda: bytes(gate.wait(60)))
        made.hand_in(lambda: b"")
        threading.Timer(0.05, gate.set).start()
        made.hand_in(lambda: b"")
        assert gate.is_set()
        made.finish()


@pytest.mark.parametrize("how", [lambda made: made.write(b"x"), lambda made: made.finish()])
def test_what_a_job_raises_is_raised_by_the_next_call(how: Callable[[Pipeline], None]) -> None:
    def fails() -> bytes:
        raise ValueError("no")

    with ThreadPoolExecutor(1) as pool:
        made = Pipeline(Written(), pool, 1)

        def both() -> None:
            made.hand_in(fails)  # raises by itself, if the job is that quick
            pool.submit(int).result()
            how(made)

        with pytest.raises(ValueError, match="no"):
            both()
