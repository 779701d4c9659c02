"""What an environment is built from: the requirements' files, and the whole tree where they name some of it."""

from __future__ import annotations

import hashlib
import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.git import closed_environment
from migci.errors import UsageError
from migci.ports import EnvironmentFailed, Tree

_FILES = ("-r", "-c", "--requirement", "--constraint")
_INCLUDED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]\s*(\S+)", re.MULTILINE)
_LOCAL = re.compile(r"^\s*(?:-e\b|--editable\b|\.|/|file:|[^#\n]*@\s*(?:file:|\.|/))", re.MULTILINE)
_LONGEST_FILE = 1 << 20


@dataclass(frozen=True)
class Plan:
    """What an environment is made of: pip's arguments, the files that they name, and with `local` all of the tree."""

    tree: Tree
    arguments: tuple[str, ...]
    files: tuple[Path, ...]
    local: bool

    def digest(self, interpreter: str) -> str:
        """A name for it, with what the interpreter says that it is."""
        digest = hashlib.sha256(interpreter.encode())
        for argument in self.arguments:
            digest.update(argument.encode() + b"\0")
        for file in self.files:
            digest.update(str(file.relative_to(self.tree.root)).encode() + b"\0" + file.read_bytes() + b"\0")
        if self.local:
            digest.update(self.tree.commit.id.encode())
        return digest.hexdigest()[:24]

    def laid_out(self, work: Path) -> Path:
        """Copy what it is made of, and nothing else, into `work`; returns what is the project's folder there."""
        copy = work / "tree"
        if self.local:
            shutil.copytree(self.tree.root, copy, symlinks=True, ignore=_git_of(self.tree.root))
            _make_repository(copy)
        for file in () if self.local else self.files:
            place = copy / file.relative_to(self.tree.root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        project = copy / self.tree.project.relative_to(self.tree.root)
        project.mkdir(parents=True, exist_ok=True)
        return project


def planned(tree: Tree, arguments: tuple[str, ...]) -> Plan:
    """Raises UsageError for a file that is not in the tree, EnvironmentFailed for one that leads out of it."""
    files = tuple(_files(tree, arguments))
    named = any(
        argument in ("-e", "--editable") or _LOCAL.match(argument) or (tree.project / argument).is_dir()
        for argument in arguments
    )
    local = named or any(_LOCAL.search(file.read_text(encoding="utf-8", errors="replace")) for file in files)
    return Plan(tree, arguments, files, local)


def _files(tree: Tree, arguments: tuple[str, ...]) -> Iterator[Path]:
    """The requirement and constraint files that `arguments` name, and those that these include."""
    wanted = [tree.project / following for argument, following in itertools.pairwise(arguments) if argument in _FILES]
    wanted += [
        tree.project / argument.partition("=")[2] for argument in arguments if argument.partition("=")[0] in _FILES[2:]
    ]
    known: set[Path] = set()
    while wanted:
        file = _inside(tree, wanted.pop())
        if file not in known:
            known.add(file)
            yield file
            text = file.read_text(encoding="utf-8", errors="replace")
            wanted.extend(file.parent / name for name in _INCLUDED.findall(text))


def _inside(tree: Tree, file: Path) -> Path:
    real = file.resolve()
    if not real.is_relative_to(tree.root.resolve()):
        raise EnvironmentFailed(
            f"the file of requirements {file.name} leads out of the tree",
            hint="it must be a file of the project's own",
        )
    if not real.is_file():
        raise UsageError(
            f"[project.environment] requirements: there is no file {file.name} in the project's tree",
            hint="it must be committed, relative to the project's root",
        )
    if real.stat().st_size > _LONGEST_FILE:
        raise EnvironmentFailed(f"the file of requirements {file.name} is larger than {_LONGEST_FILE} bytes")
    return tree.root / real.relative_to(tree.root.resolve())


def _git_of(root: Path):  # type: ignore[no-untyped-def]  # shutil's own shape
    return lambda folder, names: {".git"} & set(names) if Path(folder) == root else set()


def _make_repository(folder: Path) -> None:
    """Packages ask git for their version. They find a repository of one commit, and not the project's."""
    for words in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "--message", "all of it")):
        subprocess.run(["git", *words], cwd=folder, env=closed_environment(), check=True, capture_output=True)
