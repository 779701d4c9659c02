"""Dumps that are folders: which file is what, in what order they are read, and that all of them are there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from anonymize.dumps import shell, source
from anonymize.dumps.files import File, Part
from anonymize.errors import Unreadable

_PACKED = r"(?:\.gz|\.zst)?"
_MYDUMPER = (
    (re.compile(r"(?P<database>[^.]+)-schema-(?:create|post|sequence)\.sql" + _PACKED), "code"),
    (re.compile(r"(?P<database>[^.]+)\.(?P<table>.+)-schema\.sql" + _PACKED), "tables"),
    (re.compile(r"(?P<database>[^.]+)\.(?P<table>.+)-schema-(?:view|triggers|sequence)\.sql" + _PACKED), "code"),
    (re.compile(r"(?P<database>[^.]+)\.(?P<table>.+?)(?:\.\d+)*\.sql" + _PACKED), "rows"),
)
_FINISHED = b"Finished dump at"
_METADATA_BYTES = 16 << 20


def files(folder: Path, *, partial: bool = False) -> list[File]:
    """The files of the folder that mydumper or MySQL Shell wrote, in the order of `Part`.

    Raises Unreadable if it is not finished (unless `partial`), and for a file that is not known.
    """
    found = shell.files(folder, partial=partial) if (folder / shell.MARK).exists() else _mydumper(folder, partial)
    order = list(Part)
    return sorted(found, key=lambda file: (order.index(file.part), file.path.name))


def _mydumper(folder: Path, partial: bool) -> list[File]:
    names = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if not any(path.name.startswith("metadata") or "-schema" in path.name for path in names):
        raise Unreadable(f"{folder} is no dump of mydumper or MySQL Shell", "name a file, or the folder that one wrote")
    if not partial:
        _finished(folder)
    found = [_file(path) for path in names]
    views = {_stem(file.path.name, "-schema-view") for file in found} - {None}
    return [
        replace(file, part=Part.STAND_IN)
        if file.part is Part.TABLES and _stem(file.path.name, "-schema") in views
        else file
        for file in found
    ]


def _finished(folder: Path) -> None:
    """Raises Unreadable if the dump did not come to its end."""
    hint = "wait until mydumper has ended, or make the dump again; --partial takes it as it is"
    metadata = folder / "metadata"
    if not metadata.is_file():
        raise Unreadable(f"the dump {folder} is not finished: it has no file called metadata", hint)
    with source.opened(metadata) as stream:
        text = b"".join(iter(lambda: stream.read(1 << 16), b""))[:_METADATA_BYTES]
    if _FINISHED not in text:
        raise Unreadable(f"the dump {folder} is not finished: its metadata names no end", hint)


def _file(path: Path) -> File:
    if path.is_file() and (path.name in ("metadata", "metadata.partial") or path.name.endswith("-metadata")):
        return File(path, Part.COPY)
    for pattern, what in _MYDUMPER:
        found = pattern.fullmatch(path.name)
        if found is not None and path.is_file():
            return File(path, Part(what), found["database"])
    raise Unreadable(
        f"{path} is not known in a dump of mydumper", "take it out of the folder, or make the dump without --load-data"
    )


def _stem(name: str, ending: str) -> str | None:
    found = re.fullmatch(r"(.+)" + re.escape(ending) + r"\.sql" + _PACKED, name)
    return None if found is None else found[1]
