"""Makes git repositories for demonstrations: the same files make the same commits, on every machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from migci.errors import MigciError


def begin(tree: Path, branch: str) -> None:
    """Make the folder `tree` a repository whose first commit will be on `branch`. Raises MigciError."""
    git(tree, "init", "--quiet", "--template=", "--object-format=sha1", f"--initial-branch={branch}")


def commit(tree: Path, message: str, date: str) -> None:
    """Commit all files in `tree`, ignored ones excepted; `date` has ISO 8601's format. Raises MigciError."""
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--no-gpg-sign", "--allow-empty", f"--message={message}", date=date)


def git(tree: Path, *arguments: str, date: str = "2022-03-10T12:00:00+00:00") -> None:
    """Run git in `tree` without anybody's configuration or environment, so that commits are repeatable.

    Raises MigciError with git's own words.
    """
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(tree.parent),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {
            f"GIT_{role}_NAME": "migci demo",
            f"GIT_{role}_EMAIL": "demo@migci.invalid",
            f"GIT_{role}_DATE": date,
        }
    command = ["git", "-C", str(tree), *arguments]
    try:
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise MigciError("there is no git here to build the demo with", "install git") from error
    if run.returncode != 0:
        raise MigciError(
            f"git {arguments[0]} failed with exit status {run.returncode}: {run.stderr.strip()}",
            "the demo needs git 2.29 or later; see what 'git --version' says",
        )
