"""A snapshot: a database's files, made ready to clone, and known by what they were made of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from migci.core.run import ServerFacts
from migci.core.step import Step


class Kind(StrEnum):
    """What a snapshot holds."""

    EMPTY = "empty"
    """A server's own files, and no tables."""
    DATASET = "dataset"
    """A dataset as its source holds it, or as it was refreshed."""
    CHECKPOINT = "checkpoint"
    """A dataset after trunk's migrations."""


@dataclass(frozen=True)
class Snapshot:
    """Immutable files of one server version, found by the digest of all that they were made of.

    `project` and `dataset` are the names that it was first made for. `database` is the one that is filled, `revision`
    where that says it stands (or is known to stand, with a tool that keeps no version table). `origin` is the snapshot
    that it was made on, `root` that of its dataset: its own, but for a checkpoint. `steps` are all that were run since
    the dataset's own snapshot, with the figures of the runs that ran them. `seconds` is what it took to make,
    `warnings` what the server warned of meanwhile.
    """

    id: str
    kind: Kind
    dataset: str
    server: ServerFacts
    database: str
    root: str
    origin: str | None = None
    tables: int = 0
    rows: int = 0
    bytes: int = 0
    revision: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    made: str = ""
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    project: str = ""


def digest(*parts: object) -> str:
    """A name for whatever is made of exactly these parts, in this order: 32 hexadecimal digits.

    Parts are what JSON can hold; two lists of parts share a name only if they are equal.
    """
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()[:32]
