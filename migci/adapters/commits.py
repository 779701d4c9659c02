"""A repository's commits, read where they lie: nothing is written, no settings start a program, nothing is fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from migci.adapters.scripts.trees import CommitFiles
from migci.core.run import Commit
from migci.errors import MigciError, UsageError

# A patch can bring folders that look like a repository of their own, with settings of its own.
_NONE_WITHIN = ("-c", "safe.bareRepository=explicit")
READ_ONLY = ("--no-optional-locks", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *_NONE_WITHIN)
_NOTHING_ELSE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_REPLACE_OBJECTS": "1"}


class Commits:
    """What a repository has of the folder `project`; `git_dir` is where its objects are, `top` its checkout."""

    def __init__(self, top: Path, project: Path, git_dir: Path) -> None:
        self._top = top
        self._inside = project.relative_to(top)
        self._git_dir = git_dir

    def _user(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        """git in the user's repository, with the user's own settings, but for what would start programs or write."""
        return told(
            [*READ_ONLY, "-C", str(self._top), *arguments], self._top, {**users_environment(), **(environment or {})}
        )

    def commit(self, ref: str) -> Commit:
        """Raises UsageError."""
        try:
            found = self._user("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        except MigciError:
            raise UsageError(
                f"there is no commit {ref!r} in {self._top}",
                hint="see [project] trunk in migci.toml, --trunk and --proposed; or fetch it first",
            ) from None
        return Commit(ref, found)

    def text(self, commit: Commit, name: str) -> str:
        """The text of a file of the project, as it is in a commit. Raises UsageError."""
        path = (self._inside / name).as_posix()
        words = ["--git-dir", str(self._git_dir), "cat-file", "blob", f"{commit.id}:{path}"]
        try:
            return told(words, self._git_dir, {**closed_environment(), **_NOTHING_ELSE})
        except MigciError as error:
            raise UsageError(f"there is no {name} in {commit.ref!r}", hint="is it committed there?") from error

    def files(self, commit: Commit) -> CommitFiles:
        """The project's files as they are in `commit`."""
        git = ("git", "--git-dir", str(self._git_dir))
        inside = self._inside.as_posix()
        environment = {**closed_environment(), **_NOTHING_ELSE}
        return CommitFiles(commit.ref, commit.id, git, environment, "" if inside == "." else inside)

    @property
    def shallow(self) -> bool:
        """Whether it lacks the older commits."""
        return (self._git_dir / "shallow").exists()

    def parting(self, trunk: Commit, proposed: Commit) -> Commit | None:
        """The newest commit that both come from; `None` where there is none."""
        words = ["--git-dir", str(self._git_dir), "merge-base", trunk.id, proposed.id]
        found = run(words, self._git_dir, _NOTHING_ELSE).stdout.split()
        return Commit(f"the base of {proposed.ref}", found[0]) if found else None


def commits_of(project: Path) -> Commits:
    """Those of the repository that holds `project`. Raises UsageError when there is no git, or no repository."""
    top, project = top_of(project), project.resolve()
    words = ["-C", str(top), "rev-parse", "--path-format=absolute", "--git-common-dir"]
    return Commits(top, project, Path(told([*READ_ONLY, *words], top, users_environment())))


def top_of(project: Path) -> Path:
    """The top folder of the checkout that holds `project`. Raises UsageError when there is no git, or no repository."""
    if shutil.which("git") is None:
        raise UsageError("git is not on this machine", hint="apt-get install git")
    try:
        words = [*_NONE_WITHIN, "-C", str(project), "rev-parse", "--show-toplevel"]
        return Path(told(words, project, users_environment()))
    except MigciError as error:
        raise UsageError(
            f"{project} is not in a git repository that can be read: {error.message}",
            hint="migci compares a trunk with a patch: git init && git add --all && git commit",
        ) from error


def file_at(project: Path, ref: str, name: str) -> str:
    """The text of a file in the folder `project`, as it is in the commit `ref`. Raises UsageError."""
    commits = commits_of(project)
    return commits.text(commits.commit(ref), name)


def likely_trunk(project: Path) -> str:
    """The branch that patches land on, as far as git tells: of what is there, what origin says, or the usual names."""

    def said(*arguments: str) -> str:
        try:
            return told([*READ_ONLY, "-C", str(project), *arguments], project, users_environment())
        except MigciError:
            return ""

    def branches(place: str) -> list[str]:
        named = said("for-each-ref", "--format=%(refname:short)%(symref)", place).splitlines()
        return [name for name in named if "refs/" not in name]

    head = said("symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    theirs, ours = branches("refs/remotes/origin"), branches("refs/heads")
    for name in (head, "origin/main", "origin/master", *_only(theirs)):
        if name in theirs:
            return name
    here = said("symbolic-ref", "--short", "HEAD")
    return next((name for name in ("main", "master", here, *_only(ours)) if name in ours), here or "main")


def _only(names: list[str]) -> list[str]:
    return names if len(names) == 1 else []


def users_environment() -> dict[str, str]:
    """The user's own, less what a hook is given: that would point git at another repository than the project's."""
    local = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
    return {name: value for name, value in os.environ.items() if name not in local}


def users_command(folder: Path) -> tuple[list[str], dict[str, str]]:
    """How a command of git's in the user's repository around `folder` begins, and its environment.

    It has the user's own settings, but for those that would start programs.
    """
    return ["git", *READ_ONLY, "-C", str(folder)], users_environment()


IDENTITY = {
    "GIT_AUTHOR_NAME": "migci",
    "GIT_AUTHOR_EMAIL": "migci@localhost",
    "GIT_COMMITTER_NAME": "migci",
    "GIT_COMMITTER_EMAIL": "migci@localhost",
    # The same files on the same commit are the same commit, whenever it is made.
    "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
}


def closed_environment() -> dict[str, str]:
    """No configuration but the repository's own, so that a patch's attributes find no filter or driver to start."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        **IDENTITY,
    }


def run(arguments: list[str], where: Path, more: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """git in a closed environment and what is `more` in it, however it ends."""
    environment = {**closed_environment(), **(more or {})}
    return subprocess.run(
        ["git", *arguments], cwd=where, env=environment, capture_output=True, text=True, errors="replace"
    )


def told(arguments: list[str], where: Path, environment: dict[str, str]) -> str:
    """What git says, without the blank at its ends. Raises MigciError where it fails."""
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
