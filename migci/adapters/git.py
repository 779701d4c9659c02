"""Git: trunk, the patch, and what would land, each as files in a temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migci.adapters.commits import IDENTITY, Commits, closed_environment, run, told, top_of
from migci.core.run import Commit
from migci.errors import MigciError, UsageError
from migci.ports import Conflict, Tree

WORKING_TREE = "working tree"
"""What the user's uncommitted state is called where a ref would stand."""

_TEXTS = (".py", ".sql", ".cfg", ".ini", ".toml", ".mako", ".rb", ".js", ".ts", ".go", ".java", ".xml", ".rst", ".md")
_LONGEST_TEXT_BYTES = 1 << 20
_MOST_TEXT_BYTES = 32 << 20


class GitRepository(Commits):
    """A `Repository`. Its own work happens in a bare repository of its own, which borrows the user's objects.

    So the user's repository is only read: no worktree of it is registered, no ref, index, hook or filter of it used.
    """

    def __init__(self, top: Path, project: Path, folder: Path, left_out: tuple[Path, ...] = ()) -> None:
        self._bare = folder / "repository.git"
        super().__init__(top, project, self._bare)
        self._left_out = [path.relative_to(top) for path in left_out if path.is_relative_to(top)]
        self._trees = folder / "trees"
        common = Path(self._user("rev-parse", "--path-format=absolute", "--git-common-dir"))
        form = self._user("rev-parse", "--show-object-format")
        folder.mkdir(parents=True, exist_ok=True)
        told(["init", "--quiet", "--bare", f"--object-format={form}", str(self._bare)], folder, closed_environment())
        self._objects = common / "objects"
        (self._bare / "objects" / "info" / "alternates").write_text(f"{self._objects}\n")
        if (common / "shallow").exists():
            shutil.copyfile(common / "shallow", self._bare / "shallow")

    def _own(self, *arguments: str) -> str:
        return told(["--git-dir", str(self._bare), *arguments], self._bare, closed_environment())

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
            **IDENTITY,
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
        base = run(["--git-dir", str(self._bare), "merge-base", trunk.id, proposed.id], self._bare)
        if not base.stdout.strip() and self.shallow:
            raise MigciError(
                f"git knows no common ancestor of {proposed.ref} and {trunk.ref}",
                hint="this is a shallow clone: git fetch --unshallow; or take the patch as it stands with --no-merge",
            )
        if base.stdout.strip() == trunk.id:
            return proposed
        if base.stdout.strip() == proposed.id:
            return Commit(proposed.ref, trunk.id)
        merged = run(
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
    top = top_of(project)
    try:
        yield GitRepository(top, project.resolve(), folder, left_out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
