"""What a rebase makes of a versions.json, as bytes; and how a conflict in it is undone first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migci.adapters.conflict import as_git_left
from migci.adapters.scripts import versions_json
from migci.adapters.scripts.trees import normal
from migci.adapters.worktree import Stages
from migci.core.merging import NEITHER, OURS, Item, Items, Unmergeable, merge
from migci.ports import Entry, EntryKind, Files, NotRebased


@dataclass(frozen=True)
class Instead:
    """`Files` in which the file at `path` holds `content`."""

    files: Files
    path: str
    content: bytes

    @property
    def name(self) -> str:
        return self.files.name

    def kind(self, path: str) -> EntryKind | None:
        return EntryKind.FILE if normal(path) == self.path else self.files.kind(path)

    def entries(self, folder: str, *, below: bool = False) -> tuple[Entry, ...]:
        return self.files.entries(folder, below=below)

    def read(self, paths: Sequence[str]) -> tuple[bytes | None, ...]:
        found = self.files.read(paths)
        return tuple(
            self.content if normal(path) == self.path else content for path, content in zip(paths, found, strict=True)
        )


def undone(path: str, stages: Stages, there: bytes | None, trunk: bytes | None, first: str | None = OURS) -> bytes:
    """What versions.json at `path` holds where both sides of a conflict are put behind trunk.

    `there` is what is on disk. `first` is the side that comes first where neither has more of trunk; `None` where
    nothing tells. Raises NotRebased; also where `there` is not what git left, for what was edited would be lost.
    """
    hint = "resolve it by hand, and call this again"
    if stages.ours is None or stages.theirs is None:
        raise NotRebased(f"{path} is in conflict: one side has deleted it", hint)
    if there is not None and not as_git_left(there, stages):
        raise NotRebased(
            f"{path} is in conflict, and was edited since git left it: that would be lost",
            f"put your edit aside, git checkout --merge -- {path}, migci versions rebase, and then edit it again; "
            "or resolve it by hand, and git add it",
        )
    try:
        base, ours, theirs, landed = (
            [] if content is None else items_of(content) for content in (stages.base, stages.ours, stages.theirs, trunk)
        )
    except ValueError as error:
        raise NotRebased(f"{path} is in conflict, and a side of it {error}", hint) from error
    forms = {bool(side[0].files) for side in (base, ours, theirs, landed) if side}
    if len(forms) > 1:
        raise NotRebased(f"{path} is in conflict: numbers on one side, and a list of ids on the other", hint)
    merged = merge(tuple(base), tuple(ours), tuple(theirs), tuple(landed), first)
    if isinstance(merged, Unmergeable):
        told = "name trunk, if it is another branch: migci versions rebase --trunk REF; otherwise " + hint
        raise NotRebased(f"{path} is in conflict: {merged.reason}", told if merged.reason == NEITHER else hint)
    return written(merged, like=stages.ours, ids=True not in forms and stages.ours.lstrip().startswith(b"["))


def items_of(content: bytes) -> list[Item]:
    """What a versions.json lists. Raises ValueError with what is wrong with it, in words that follow its name."""
    said = versions_json.read(content)
    if said.mistakes:
        raise ValueError(said.mistakes[0].message)
    return [Item(entry.id, entry.files) for entry in said.entries]


def written(items: Items, like: bytes, *, ids: bool) -> bytes:
    """The text of versions.json, with the line ends of the one before."""
    if ids:
        text = versions_json.dumps_ids([item.id for item in items])
    else:
        text = versions_json.dumps_numbers({item.id: item.files for item in items})
    ends = "\r\n" if b"\r\n" in like else "\n"
    begins = b"\xef\xbb\xbf" if like.startswith(b"\xef\xbb\xbf") else b""
    return begins + text.replace("\n", ends).encode()
