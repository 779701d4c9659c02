"""Where a dump lies: a file or a folder, on this machine or behind a URL that fsspec understands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import unquote, urlsplit

from migci.errors import UsageError
from migci.ports import RestoreFailed

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?:://|::)")
_CONTENT_KEYS = ("ETag", "etag", "md5Hash", "content_md5", "ContentMD5", "checksum", "sha256", "crc32c")
_Told = TypeVar("_Told")
_INSTALL_HINT = "pip install it beside migci"


@dataclass(frozen=True)
class Place:
    """A file or a folder. Every call raises RestoreFailed where it cannot be read.

    `system` is fsspec's, None for this machine's own files.
    """

    path: str
    system: Any | None = None

    @property
    def name(self) -> str:
        return self.shown.rstrip("/").rpartition("/")[2] or self.shown

    @property
    def shown(self) -> str:
        """The path without what may be secret in a URL: an account, and the query that signs it."""
        if self.system is None:
            return self.path
        return re.sub(r"//[^/@]*@", "//", self.path.partition("?")[0])

    def is_folder(self) -> bool:
        if self.system is None:
            return Path(self.path).is_dir()
        return bool(self._told(lambda: self.system.isdir(self.path)))  # type: ignore[union-attr]

    def files(self) -> dict[str, int]:
        """The folder's files by name, with their sizes in bytes; of folders in it nothing."""
        if self.system is None:
            return self._told(
                lambda: {found.name: found.stat().st_size for found in Path(self.path).iterdir() if found.is_file()}
            )
        listed = self._told(lambda: self.system.ls(self.path, detail=True))  # type: ignore[union-attr]
        return {
            str(found["name"]).rstrip("/").rpartition("/")[2]: int(found.get("size") or 0)
            for found in listed
            if found.get("type") == "file"
        }

    def within(self, name: str) -> Place:
        return Place(f"{self.path.rstrip('/')}/{name}", self.system)

    def size(self) -> int:
        """Bytes; 0 where the storage does not tell."""
        if self.system is None:
            return self._told(lambda: Path(self.path).stat().st_size)
        return int(self._told(lambda: self.system.size(self.path)) or 0)  # type: ignore[union-attr]

    def open(self) -> IO[bytes]:
        if self.system is None:
            return self._told(lambda: Path(self.path).open("rb"))
        stream: IO[bytes] = self._told(lambda: self.system.open(self.path, "rb"))  # type: ignore[union-attr]
        return stream

    def read(self) -> bytes:
        """All of a small file."""
        with self.open() as stream:
            return self._told(stream.read)

    def digest(self) -> str:
        """The identity of the content: two places of one digest hold the same bytes.

        Of a file on this machine its SHA-256; of a folder that over its files' names and digests, in the order of
        the names. Behind a URL it is made of what the storage says of the content (an entity tag or a checksum, and
        the size), so that nothing is fetched; a storage that says nothing of that kind is read whole.
        """
        if self.is_folder():
            every = hashlib.sha256(b"folder")
            for name in sorted(self.files()):
                every.update(f"\0{name}\0{self.within(name).digest()}".encode())
            return every.hexdigest()
        if self.system is not None:
            told = self._told(lambda: self.system.info(self.path))  # type: ignore[union-attr]
            says = [f"{key}={told[key]}" for key in _CONTENT_KEYS if told.get(key)]
            if says:
                return hashlib.sha256("\0".join(["url", *says, f"size={told.get('size')}"]).encode()).hexdigest()
        whole = hashlib.sha256()
        with self.open() as stream:
            while piece := self._told(lambda: stream.read(1 << 20)):
                whole.update(piece)
        return whole.hexdigest()

    def _told(self, ask: Callable[[], _Told]) -> _Told:
        try:
            return ask()
        except Exception as error:
            if self.system is None and not isinstance(error, OSError):
                raise
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).replace(self.path, "")
            raise RestoreFailed(
                f"cannot read the dump {self.shown}: {why}", hint="see 'source' in migci.toml"
            ) from error


def place(source: str) -> Place:
    """What `source` names: a path, or a URL. Raises UsageError where the URL's kind is not known or not installed."""
    if not _URL.match(source):
        return Place(source)
    parts = urlsplit(source)
    if parts.scheme == "file":
        return Place(unquote(parts.path))
    import fsspec  # not at the top: it is slow to import, and most sources are files

    try:
        system, path = fsspec.core.url_to_fs(source)
    except ImportError as error:
        raise UsageError(f"'{parts.scheme}' URLs: {error}", hint=_INSTALL_HINT) from error
    except ValueError as error:
        known = ""
        with suppress(Exception):
            known = ", ".join(sorted(fsspec.available_protocols()))
        raise UsageError(
            f"'{parts.scheme}' is no kind of URL that is known: {error}", hint=f"known are {known}"
        ) from error
    return Place(str(path), system)
