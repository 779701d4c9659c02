"""git's merge driver for versions.json: which side has landed, and what the file holds then.

In the order in which they are asked:

1. What trunk has, has landed: `[project] trunk` of migci.toml, or the branch that git takes for origin's. The local
   branch of that name counts instead where it has all of that and more, and is not the one that is merged into.
2. Of what trunk does not have, the side comes first that has more of trunk.
3. Where both sides have as much of it, or trunk is not known, git's operation tells. In a rebase, a cherry-pick, a
   revert and `git am`, git's "ours" is what the commits are put on, so it comes first.
4. In a merge either side may be what has landed, and what is taken for trunk here another branch: it is a conflict.
"""

from __future__ import annotations

import os
import subprocess
import tomllib
from contextlib import suppress
from pathlib import Path

from migci.adapters.commits import likely_trunk, users_environment
from migci.adapters.scripts import versions_json
from migci.adapters.scripts.rebasing import items_of, written
from migci.core.merging import OURS, Items, Unmergeable, merge
from migci.errors import MigciError

_SETTINGS = "migci.toml"


def merged(base: bytes, ours: bytes, theirs: bytes, top: Path, path: str) -> bytes | Unmergeable:
    """What the file at `path` of the repository in `top` has to hold, or why that is for a person to say."""
    try:
        was, mine, other = (tuple(items_of(one)) if one.strip() else () for one in (base, ours, theirs))
    except ValueError as error:
        return Unmergeable(f"a side {error}")
    forms = {content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] for content in (base, ours, theirs) if content.strip()}
    if len(forms) > 1:
        return Unmergeable("one side has numbers, and the other one a list of ids")
    trunk = landed(top, path)
    found = merge(was, mine, other, trunk, None if operation(top) == "merge" else OURS)
    return found if isinstance(found, Unmergeable) else written(found, like=ours, ids=forms == {b"["})


def in_conflict(base: Path, ours: Path, theirs: Path) -> bytes:
    """The file with ordinary conflict markers."""
    words = ["git", "merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs", str(ours), str(base), str(theirs)]
    done = subprocess.run(words, capture_output=True)
    if 0 < done.returncode < 128 and done.stdout:
        return done.stdout
    # Line by line there is none: then all of both is in conflict.
    one, two = (
        content if content.endswith(b"\n") else content + b"\n" for content in (ours.read_bytes(), theirs.read_bytes())
    )
    return b"<<<<<<< ours\n" + one + b"=======\n" + two + b">>>>>>> theirs\n"


def operation(top: Path) -> str | None:
    """What git is doing: "merge", or another word; `None` where that cannot be seen."""
    with suppress(MigciError):
        places = _git(top, "rev-parse", "--git-path", "rebase-merge", "--git-path", "rebase-apply").splitlines()
        if any((top / os.fsdecode(place)).exists() for place in places):
            return "rebase"
    # git tells its own programs; that it is in a merge it writes down only when the drivers have been called.
    if word := os.environ.get("GIT_REFLOG_ACTION", "").split(" ")[0]:
        return "merge" if word in ("merge", "pull") else word
    # Later, git checkout --merge calls them again, to make the conflict anew.
    return "merge" if _told(top, "rev-parse", "--verify", "--quiet", "MERGE_HEAD") else None


def landed(top: Path, path: str) -> Items | None:
    """What trunk lists in the file at `path`; `None` where that is not known."""
    trunk = _trunk(top, path)
    found = _items_in(top, trunk, path)
    _, slash, local = trunk.partition("/")
    if slash and _told(top, "symbolic-ref", "--quiet", "--short", "HEAD") != local:
        ahead = _items_in(top, f"refs/heads/{local}", path)
        if ahead is not None and ahead[: len(found or ())] == (found or ()):
            return ahead
    return found


def _trunk(top: Path, path: str) -> str:
    for folder in (top / path).parents:
        with suppress(OSError, ValueError, AttributeError):  # it may be in the middle of the same merge
            named = tomllib.loads((folder / _SETTINGS).read_text("utf-8")).get("project", {}).get("trunk")
            if isinstance(named, str) and named:
                return named
        if folder == top:
            break
    return likely_trunk(top)


def _items_in(top: Path, ref: str, path: str) -> Items | None:
    try:
        commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
    except MigciError:
        return None
    try:
        content = _git(top, "cat-file", "blob", f"{commit.decode()}:{path}")
    except MigciError:
        return ()  # trunk is known, and has no such file
    said = versions_json.read(content)
    return None if said.mistakes else tuple(items_of(content))


def _told(top: Path, *arguments: str) -> str:
    try:
        return os.fsdecode(_git(top, *arguments)).strip()
    except MigciError:
        return ""


def _git(top: Path, *arguments: str) -> bytes:
    words = [os.fsencode(word) for word in ("git", "-C", str(top), *arguments)]
    done = subprocess.run(words, env=users_environment(), capture_output=True)
    if done.returncode:
        raise MigciError(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
