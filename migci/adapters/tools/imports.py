"""What a migration's code imports of its own project, found without running it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

_LONGEST = 1 << 20
"""Bytes of a file that is read for its imports: what Python makes of it takes some hundred times as much memory."""


class Imports:
    """The modules in the folder `project` that are found on `paths`, folders in which imports begin.

    What is no file in there, or leads out of it, is none of its modules.
    """

    def __init__(self, paths: list[Path], project: Path) -> None:
        self._paths = paths
        self._project = project.resolve()
        self._seen: dict[Path, tuple[Path, ...]] = {}
        self._names: dict[Path, frozenset[str]] = {}
        self._known: dict[tuple[Path | None, str], tuple[Path, ...]] = {}

    def digest(self, scripts: list[Path]) -> str:
        """One of all project files that `scripts` import, and of all that these import; "" if there are none.

        Names that are put together while the code runs are not seen.
        """
        found: set[Path] = set()
        ahead = list(scripts)
        while ahead:
            for file in self._imported(ahead.pop()):
                if file not in found and file not in scripts:
                    found.add(file)
                    ahead.append(file)
        digest = hashlib.sha256()
        for file in sorted(found):
            digest.update(f"{self._relative(file)}\n".encode(errors="surrogateescape"))
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest() if found else ""

    def _relative(self, file: Path) -> str:
        """Where imports find it, whatever folder the tree is in."""
        folders = [folder for folder in self._paths if file.is_relative_to(folder)]
        return str(file.relative_to(folders[0])) if folders else file.name

    def _imported(self, file: Path) -> tuple[Path, ...]:
        if file not in self._seen:
            self._seen[file] = tuple(self._found(file))
        return self._seen[file]

    def _found(self, file: Path) -> Iterator[Path]:
        if file.suffix != ".py" or file.stat().st_size > _LONGEST:
            return
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # its own Python will tell when it runs
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._modules(None, alias.name)
            elif isinstance(node, ast.ImportFrom):
                if node.level > len(file.parents):
                    continue
                where = file.parents[node.level - 1] if node.level else None
                for alias in node.names:
                    yield from self._modules(where, ".".join(filter(None, (node.module, alias.name))))

    def _modules(self, where: Path | None, name: str) -> tuple[Path, ...]:
        """The files that are run when `name`, or what holds it, is imported: from `where`, else from the paths."""
        if (where, name) not in self._known:
            parts = name.split(".")
            stems = [
                folder.joinpath(*parts[:length])
                for folder in ([where] if where else self._paths)
                if where or self._holds(folder, parts[0])
                for length in range(1, len(parts) + 1)
            ]
            files = [file for stem in stems for file in (stem / "__init__.py", stem.with_suffix(".py"))]
            package = [where / "__init__.py"] if where else []
            self._known[where, name] = tuple(file for file in package + files if self._has(file))
        return self._known[where, name]

    def _holds(self, folder: Path, name: str) -> bool:
        """Whether something is imported from `folder` by `name`: most of what is imported is not the project's."""
        if folder not in self._names:
            self._names[folder] = frozenset(entry.name.partition(".")[0] for entry in folder.iterdir())
        return name in self._names[folder]

    def _has(self, path: Path) -> bool:
        try:
            return path.is_file() and path.resolve().is_relative_to(self._project)
        except (OSError, RuntimeError):  # a name that is too long for any file, or links in a circle
            return False
