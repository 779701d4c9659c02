"""The gates of one command: where the indexes of confidential values are kept, and what passes a gate meanwhile."""

from __future__ import annotations

import json.decoder
import logging
import os
import random
import secrets
import subprocess
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path

import migci
from migci.adapters.gate.canaries import found, planted
from migci.adapters.gate.gate import Gate
from migci.adapters.gate.index import KEY_BYTES, Builder, Index, IndexFailed, Public
from migci.adapters.log import Log
from migci.ports import ValueSink

_MOST_TOKENS = 64


class Guard:
    """A `Gate` of the use cases: for what they tell, and for what is logged meanwhile."""

    def __init__(self, gate: Gate, log: Log, tokens: Mapping[str, str]) -> None:
        self.tokens = tokens
        self._gate, self._log = gate, log
        self._clean: set[tuple[str, bool]] = set()

    def clean(self, text: str, *, literals: bool = True) -> str:
        if (text, literals) in self._clean:  # most of a replay's texts are names that come again and again
            return text
        seen = self._gate.clean(text, literals=literals)
        if seen == text:
            self._clean.add((text, literals))
        return seen

    def exposed(self) -> tuple[str, ...]:
        return self._log.exposed()


class FileGates:
    """`Gates` whose indexes are files in the store. Each is named for the snapshot whose values it holds.

    `tokens` are all that were to be planted so far.
    """

    def __init__(self, store: Path, log: Log) -> None:
        self._folder, self._snapshots = store / "values", store / "snapshots"
        self._log = log
        self.tokens: list[str] = []

    def has(self, id: str) -> bool:
        return self._file(id).exists()

    def make(self, id: str, columns: tuple[str, ...], pour: Callable[[ValueSink], None]) -> None:
        builder = Builder(self._key(), columns)
        pour(builder)
        builder.write(self._file(id))
        for other in self._folder.glob("*.index"):
            if not (self._snapshots / other.name.partition("-")[0]).exists():
                other.unlink(missing_ok=True)

    @contextmanager
    def guard(self, id: str | None, *, publish: bool, public: Callable[[], Iterable[bytes]] = tuple) -> Iterator[Guard]:
        with ExitStack() as stack:
            tokens: dict[str, str] = {}
            gate = Gate(None)
            if id is not None:
                index = stack.enter_context(Index.open(self._file(id), self._key()))
                chosen = index.columns[:_MOST_TOKENS]
                tokens = dict(zip(chosen, planted(len(chosen), random.SystemRandom()), strict=True))
                self.tokens.extend(tokens.values())
                for column, token in enumerate(tokens.values()):
                    index.learn(column, token.encode())
                gate = Gate(index, Public(chain(_own_words(), public())))
            with self._log.guarded(gate, publish=publish):
                yield Guard(gate, self._log, tokens)

    def leaked(self, data: bytes) -> bool:
        return bool(self.tokens) and found(data, self.tokens)

    def _file(self, id: str) -> Path:
        return self._folder / f"{id}.index"

    def _key(self) -> bytes:
        """The key of all indexes: without it none of them tells anything. Raises IndexFailed."""
        file = self._folder / "key"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not file.exists():
                making = self._folder / f"key.{os.getpid()}.{secrets.token_hex(4)}"
                making.touch(mode=0o600)
                making.write_bytes(secrets.token_bytes(KEY_BYTES))
                with suppress(FileExistsError):
                    file.hardlink_to(making)  # who is second takes the first one's
                making.unlink()
            return file.read_bytes()
        except OSError as error:
            raise IndexFailed(
                f"cannot read or write {file}: {error.strerror}", hint="look at the store's rights"
            ) from error


def _own_words() -> Iterator[bytes]:
    """The sources of migci and of what Python says when something goes wrong: their sentences are nobody's."""
    for file in Path(migci.__file__).parent.rglob("*.py"):
        if file.parent.name != "demo":  # which makes up data
            yield file.read_bytes()
    for module in (traceback, warnings, logging, subprocess, json.decoder):
        yield Path(str(module.__file__)).read_bytes()
