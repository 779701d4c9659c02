"""What an environment is built from: the requirements' files, and the whole tree where they name some of it."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.commits import closed_environment
from migci.adapters.disk import disk_or
from migci.adapters.instances import delete
from migci.core.snapshot import digest
from migci.errors import UsageError
from migci.ports import EnvironmentFailed, Tree

_FILES = (
    *("-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints", "--override", "--overrides"),
    *("--exclude", "--excludes", "-b", "--build-constraint", "--build-constraints"),
)
_FOLDERS = ("-f", "--find-links")
_OF_THE_TREE = ("-e", "--editable", "--group", "--all-groups")
_PROJECTS = ("pyproject.toml", "setup.py", "setup.cfg")
_INCLUDES = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:[ \t]*=[ \t]*|[ \t]+)(?:\"([^\"]*)\"|'([^']*)'|(\S+))")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
# Nothing goes on in the background, and nothing that is deleted soon is made small.
_GIT = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.compression=0", "-c", "core.fsync=none")
_LONGEST_FILE = 1 << 20
_MOST_FILES = 1000


@dataclass(frozen=True)
class Plan:
    """What an environment is made of: pip's arguments, the files that they name, and with `local` all of the tree."""

    tree: Tree
    arguments: tuple[str, ...]
    files: tuple[Path, ...]
    local: bool

    def digest(self, *beside: str) -> str:
        """A name for it, and for what else it depends on. Nothing that is not in it is laid out."""
        return digest(
            beside,
            self.tree.project.relative_to(self.tree.root).as_posix(),
            self.arguments,
            [(str(self._name(file)), hashlib.sha256(file.read_bytes()).hexdigest()) for file in self.files],
            self.tree.commit.id if self.local else None,
        )

    def laid_out(self, work: Path) -> Path:
        """Copy what it is made of, and nothing else, into `work`; returns what is the project's folder there.

        Raises DiskFull, and EnvironmentFailed.
        """
        copy = work / "tree"
        copy.mkdir(parents=True)
        if self.local:
            # A tree may be deeper than Python can walk.
            _run(["cp", "--archive", "--reflink=auto", "--", f"{self.tree.root}/.", str(copy)], work)
            _make_repository(copy)
        for file in () if self.local else self.files:
            place = copy / self._name(file)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
        project = copy / self.tree.project.relative_to(self.tree.root)
        project.mkdir(parents=True, exist_ok=True)
        return project

    def _name(self, file: Path) -> Path:
        return file.relative_to(self.tree.root)


def planned(tree: Tree, arguments: tuple[str, ...]) -> Plan:
    """Raises UsageError for a file that is not in the tree, EnvironmentFailed for one that leads out of it."""
    files = _files(tree, arguments)
    named = any(
        _names_the_tree(f"{before} {argument}" if before in _FOLDERS else argument)
        for before, argument in itertools.pairwise(("", *arguments))
        if before not in _FILES and argument.partition("=")[0] not in _FILES
    )
    local = named or any(
        file.name in _PROJECTS or any(map(_names_the_tree, _lines(text))) for file, text in files.items()
    )
    return Plan(tree, arguments, tuple(files), local)


def _files(tree: Tree, arguments: tuple[str, ...]) -> dict[Path, str]:
    """The requirement and constraint files that `arguments` name, those that these include, and what they say."""
    wanted = [tree.project / following for argument, following in itertools.pairwise(arguments) if argument in _FILES]
    wanted += [
        tree.project / value
        for name, equals, value in (argument.partition("=") for argument in arguments)
        if equals and name in _FILES
    ]
    known: dict[Path, str] = {}
    while wanted:
        # As whoever finds nothing but these files will understand it.
        file = Path(os.path.normpath(wanted.pop()))
        if file in known:
            continue
        if len(known) == _MOST_FILES:
            raise EnvironmentFailed(f"there are more than {_MOST_FILES} files of requirements")
        known[file] = text = _inside(tree, file).read_text(encoding="utf-8-sig", errors="replace")
        wanted.extend(dict.fromkeys(file.parent / name for name in _included(text)))
    return known


def _included(text: str) -> Iterator[str]:
    for line in _lines(text):
        found = _INCLUDES.match(line)
        name = next(filter(None, found.groups()), "") if found else ""
        if name and "://" not in name:
            yield name


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if line and (stripped := _COMMENT.sub("", line).strip()):
            yield stripped


def _names_the_tree(requirement: str) -> bool:
    """Whether a line of a file, or an argument, asks for something that lies in the tree.

    What is wrongly taken for a package of the index is not there when the environment is built, and so fails.
    """
    if requirement.startswith("-"):
        option, place = re.match(r"([^\s=]*)[\s=]*(.*)", requirement, re.DOTALL).groups("")  # type: ignore[union-attr]
        return option in _OF_THE_TREE or (option in _FOLDERS and "://" not in place and place != "")
    name, _, place = requirement.partition("@")
    place = (requirement if "/" in name or not place else place).partition(";")[0].strip().lower()
    if place.startswith((".", "~", "file:", "${")):
        return True
    return "://" not in place and ("/" in place or place.partition(" ")[0].endswith(_ARCHIVES))


def _inside(tree: Tree, file: Path) -> Path:
    try:
        real = file.resolve()
        there = real.is_file()
        size_bytes = real.stat().st_size if there else 0
    except (OSError, ValueError, RuntimeError) as error:  # no name for a file, or links in a circle
        raise EnvironmentFailed(f"the file of requirements {file.name[:100]!r} cannot be read: {error}") from error
    if not (file.is_relative_to(tree.root) and real.is_relative_to(tree.root.resolve())):
        raise EnvironmentFailed(
            f"the file of requirements {file.name} leads out of the tree",
            hint="it must be a file of the project's own",
        )
    if not there:
        raise UsageError(
            f"[project.environment] requirements: there is no file {file.name} in the project's tree",
            hint="it must be committed, relative to the project's root",
        )
    if size_bytes > _LONGEST_FILE:
        raise EnvironmentFailed(f"the file of requirements {file.name} is larger than {_LONGEST_FILE} bytes")
    return real


def _make_repository(folder: Path) -> None:
    """Packages ask git for their version and their files. They find a repository of one commit, not the project's."""
    git = folder / ".git"
    if git.is_dir() and not git.is_symlink():
        delete(git)
    else:
        git.unlink(missing_ok=True)
    for words in (
        ("init", "--quiet"),
        ("add", "--all", "--force"),
        ("commit", "--quiet", "--allow-empty", "--message", "all of it"),
    ):
        _run(["git", "-C", str(folder), *_GIT, *words], folder)


def _run(words: list[str], place: Path) -> None:
    done = subprocess.run(words, env=closed_environment(), capture_output=True, text=True, errors="replace")
    if done.returncode:
        reason = done.stderr.strip() or f"{words[0]} ended with status {done.returncode}"
        raise disk_or(EnvironmentFailed(f"the tree cannot be copied: {reason[:500]}"), place)
