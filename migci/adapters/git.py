"""Git: trunk, the patch, and what would land, each as files in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migci.adapters.scripts.trees import CommitFiles
from migci.core.run import Commit
from migci.errors import MigciError, UsageError
from migci.ports import Conflict, Tree

WORKING_TREE = "working tree"
"""What the user's uncommitted state is called where a ref would stand."""

_TEXTS = (".py", ".sql", ".cfg", ".ini", ".toml", ".mako", ".rb", ".js", ".ts", ".go", ".java", ".xml", ".rst", ".md")
_LONGEST_TEXT_BYTES = 1 << 20
_MOST_TEXT_BYTES = 32 << 20

# A patch can bring folders that look like a repository of their own, with settings of its own.
_NONE_WITHIN = ("-c", "safe.bareRepository=explicit")
_READ_ONLY = ("--no-optional-locks", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *_NONE_WITHIN)

_IDENTITY = {
    "GIT_AUTHOR_NAME": "migci",
    "GIT_AUTHOR_EMAIL": "migci@localhost",
    "GIT_COMMITTER_NAME": "migci",
    "GIT_COMMITTER_EMAIL": "migci@localhost",
    # The same files on the same commit are the same commit, whenever it is made.
    "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
}


class GitRepository:
    """A `Repository`. Its own work happens in a bare repository of its own, which borrows the user's objects.

    So the user's repository is only read: no worktree of it is registered, no ref, index, hook or filter of it used.
    """

    def __init__(self, top: Path, project: Path, folder: Path, left_out: tuple[Path, ...] = ()) -> None:
        self._top = top
        self._left_out = [path.relative_to(top) for path in left_out if path.is_relative_to(top)]
        self._inside = project.relative_to(top)
        self._bare = folder / "repository.git"
        self._trees = folder / "trees"
        common = Path(self._user("rev-parse", "--path-format=absolute", "--git-common-dir"))
        form = self._user("rev-parse", "--show-object-format")
        folder.mkdir(parents=True, exist_ok=True)
        _git(["init", "--quiet", "--bare", f"--object-format={form}", str(self._bare)], folder, closed_environment())
        self._objects = common / "objects"
        (self._bare / "objects" / "info" / "alternates").write_text(f"{self._objects}\n")
        if (common / "shallow").exists():
            shutil.copyfile(common / "shallow", self._bare / "shallow")

    def _user(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        """git in the user's repository, with the user's own settings, but for what would start programs or write."""
        return _git(
            [*_READ_ONLY, "-C", str(self._top), *arguments], self._top, {**users_environment(), **(environment or {})}
        )

    def _own(self, *arguments: str) -> str:
        return _git(["--git-dir", str(self._bare), *arguments], self._bare, closed_environment())

    def commit(self, ref: str) -> Commit:
        try:
            found = self._user("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        except MigciError:
            raise UsageError(
                f"there is no commit {ref!r} in {self._top}",
                hint="see [project] trunk in migci.toml, --trunk and --proposed; or fetch it first",
            ) from None
        return Commit(ref, found)

    def working_tree(self) -> Commit:
        head = self.commit("HEAD")
        if not self._user("status", "--porcelain", "--untracked-files=normal"):
            return Commit(WORKING_TREE, head.id)
        if self._user("ls-files", "--unmerged"):
            raise UsageError(
                "the working tree is in the middle of a merge with conflicts",
                hint="resolve them, or name a commit with --proposed",
            )
        index = self._bare / "index-of-the-working-tree"
        # With its time: git takes files for changed that are as young as the index which knows them.
        shutil.copy2(self._user("rev-parse", "--path-format=absolute", "--git-path", "index"), index)
        aside = {
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(self._bare / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self._objects),
            **_IDENTITY,
        }
        # git refuses to leave out what it ignores anyway.
        left_out = [
            f":(top,exclude,literal){path}"
            for path in self._left_out
            if self._user("ls-files", "--others", "--exclude-standard", "--", f":(top,literal){path}")
        ]
        self._user("add", "--all", "--", ":(top)", *left_out, environment=aside)
        tree = self._user("write-tree", environment=aside)
        merged = Path(self._user("rev-parse", "--path-format=absolute", "--git-path", "MERGE_HEAD"))
        parents = [head.id, *(merged.read_text().split() if merged.exists() else [])]
        words = [word for parent in parents for word in ("-p", parent)]
        made = self._user("commit-tree", tree, *words, "-m", "what is not committed", environment=aside)
        return Commit(WORKING_TREE, made)

    def merge(self, trunk: Commit, proposed: Commit) -> Commit | Conflict:
        base = _run(["--git-dir", str(self._bare), "merge-base", trunk.id, proposed.id], self._bare)
        if not base.stdout.strip() and self.shallow:
            raise MigciError(
                f"git knows no common ancestor of {proposed.ref} and {trunk.ref}",
                hint="this is a shallow clone: git fetch --unshallow; or take the patch as it stands with --no-merge",
            )
        if base.stdout.strip() == trunk.id:
            return proposed
        if base.stdout.strip() == proposed.id:
            return Commit(proposed.ref, trunk.id)
        merged = _run(
            ["-c", "core.quotePath=false", "--git-dir", str(self._bare), "merge-tree", "--write-tree", "--name-only",
             "--no-messages", "--allow-unrelated-histories", trunk.id, proposed.id],
            self._bare,
        )  # fmt: skip
        tree, *files = merged.stdout.splitlines() or [""]
        if merged.returncode == 1:
            return Conflict(tuple(dict.fromkeys(file for file in files if file)))
        if merged.returncode:
            raise MigciError(
                f"git cannot merge {proposed.ref} onto {trunk.ref}: {merged.stderr.strip()}",
                hint="migci needs git 2.38 or newer; --no-merge does without",
            )
        made = self._own(
            "commit-tree", tree, "-p", trunk.id, "-p", proposed.id, "-m", f"{proposed.ref} merged onto {trunk.ref}"
        )
        return Commit(proposed.ref, made)

    def text(self, commit: Commit, name: str) -> str:
        """The text of a file of the project, as it is in a commit. Raises UsageError."""
        path = (self._inside / name).as_posix()
        try:
            return self._own("show", "--end-of-options", f"{commit.id}:{path}")
        except MigciError as error:
            raise UsageError(f"there is no {name} in {commit.ref!r}", hint="is it committed there?") from error

    def tree(self, commit: Commit) -> Tree:
        root = self._trees / commit.id
        if not root.exists():
            try:
                self._own("worktree", "add", "--quiet", "--detach", "--force", str(root), commit.id)
            except MigciError:
                shutil.rmtree(root, ignore_errors=True)
                raise
        project = root / self._inside
        if not project.is_dir():
            raise UsageError(f"{commit.ref} has no folder {self._inside}", hint="is trunk the right branch?")
        return Tree(commit, root, project)

    def texts(self, tree: Tree) -> Iterator[bytes]:
        room = _MOST_TEXT_BYTES
        told = self._own("ls-tree", "-r", "-z", "--name-only", tree.commit.id, "--", f"{self._inside}")
        for name in told.split("\0"):
            file = tree.root / name
            if file.suffix in _TEXTS and file.is_file() and not file.is_symlink():
                size = file.stat().st_size
                if size <= min(_LONGEST_TEXT_BYTES, room):
                    room -= size
                    yield file.read_bytes()

    def files(self, commit: Commit) -> CommitFiles:
        git = ("git", "--git-dir", str(self._bare))
        inside = self._inside.as_posix()
        environment = {**closed_environment(), "GIT_NO_LAZY_FETCH": "1"}
        return CommitFiles(commit.ref, commit.id, git, environment, "" if inside == "." else inside)

    @property
    def shallow(self) -> bool:
        """Whether it lacks the older commits."""
        return (self._bare / "shallow").exists()

    def parting(self, trunk: Commit, proposed: Commit) -> Commit | None:
        base = _run(["--git-dir", str(self._bare), "merge-base", trunk.id, proposed.id], self._bare)
        found = base.stdout.split()
        return Commit(f"the base of {proposed.ref}", found[0]) if found else None

    def added(self, trunk: Commit, landed: Commit) -> tuple[str, ...]:
        told = self._own(
            "diff", "--name-only", "--no-renames", "--diff-filter=A", "-z", trunk.id, landed.id, "--", f"{self._inside}"
        )
        return tuple(
            Path(name).relative_to(self._inside).as_posix()
            for name in told.split("\0")
            if Path(name).is_relative_to(self._inside) and name
        )

    def added_in(self, commit: Commit, file: str) -> Commit:
        path = (self._inside / file).as_posix()
        found = self._own(
            "log", "--diff-filter=A", "--find-renames", "--follow", "--format=%H", "-n", "1", commit.id, "--", path
        ).split()
        return Commit(f"the commit that added {file}", found[-1] if found else commit.id)


@contextmanager
def opened(project: Path, folder: Path, left_out: tuple[Path, ...] = ()) -> Iterator[GitRepository]:
    """The repository that holds `project`; what it needs on disk is in `folder`, and gone on exit.

    The files `left_out` are not taken along from the working tree: data are no part of a patch.
    Raises UsageError when there is no git, or no repository with a commit.
    """
    if shutil.which("git") is None:
        raise UsageError("git is not on this machine", hint="apt-get install git")
    try:
        top = _git([*_NONE_WITHIN, "-C", str(project), "rev-parse", "--show-toplevel"], project, users_environment())
    except MigciError as error:
        raise UsageError(
            f"{project} is not in a git repository that can be read: {error.message}",
            hint="migci compares a trunk with a patch: git init && git add --all && git commit",
        ) from error
    try:
        yield GitRepository(Path(top), project.resolve(), folder, left_out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def file_at(project: Path, ref: str, name: str) -> str:
    """The text of a file in the folder `project`, as it is in the commit `ref`. Raises UsageError."""
    with tempfile.TemporaryDirectory(prefix="migci-") as folder, opened(project, Path(folder, "git")) as repository:
        return repository.text(repository.commit(ref), name)


def likely_trunk(project: Path) -> str:
    """The branch that patches land on, as far as git tells."""

    def told(*arguments: str) -> str:
        try:
            return _git([*_READ_ONLY, "-C", str(project), *arguments], project, users_environment())
        except MigciError:
            return ""

    if head := told("symbolic-ref", "--short", "refs/remotes/origin/HEAD"):
        return head
    for name in ("origin/main", "origin/master", "main", "master"):
        if told("rev-parse", "--verify", "--quiet", name):
            return name
    return told("symbolic-ref", "--short", "HEAD") or "main"


def users_environment() -> dict[str, str]:
    """The user's own, less what a hook is given: that would point git at another repository than the project's."""
    local = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
    return {name: value for name, value in os.environ.items() if name not in local}


def users_command(folder: Path) -> tuple[list[str], dict[str, str]]:
    """How a command of git's in the user's repository around `folder` begins, and its environment.

    It has the user's own settings, but for those that would start programs.
    """
    return ["git", *_READ_ONLY, "-C", str(folder)], users_environment()


def closed_environment() -> dict[str, str]:
    """No configuration but the repository's own, so that a patch's attributes find no filter or driver to start."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        **_IDENTITY,
    }


def _run(arguments: list[str], where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=where, env=closed_environment(), capture_output=True, text=True, errors="replace"
    )


def _git(arguments: list[str], where: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=where, env=environment, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it exited with status {done.returncode}"]
        worst = next((line for line in said if line.startswith(("fatal:", "error:"))), said[-1])
        raise MigciError(f"git {_verb(arguments)} failed: {worst}")
    return done.stdout.strip()


def _verb(arguments: list[str]) -> str:
    skip = {"-C", "-c", "--git-dir"}
    words = [word for i, word in enumerate(arguments) if word not in skip and (i == 0 or arguments[i - 1] not in skip)]
    return next(word for word in words if not word.startswith("-"))
