"""A project's migrations and their order, and what a patch does to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from migci.core.finding import Silence


@dataclass(frozen=True)
class Revision:
    """One migration script and its identity in the history.

    `parents` are the revisions that must have run before it: none for the first, several for an alembic merge or
    one with `depends_on`. `files` are relative to the project's root, the script itself first. `digest` is of the
    bytes of all of them, `imports` of what they import of the project. `silences` are those in their text.
    """

    id: str
    parents: tuple[str, ...]
    files: tuple[str, ...]
    digest: str
    imports: str = ""
    summary: str = ""
    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True)
class History:
    """All revisions of one tree, in the order in which its tool runs them on an empty database.

    `base` is what the tool calls the state before the first of them. `surroundings` is a digest of what else their
    effect depends on: the tool and its settings, its interpreter and what is installed there, the files beside them.
    """

    revisions: tuple[Revision, ...]
    base: str = "base"
    surroundings: str = ""

    @cached_property
    def by_id(self) -> dict[str, Revision]:
        return {revision.id: revision for revision in self.revisions}

    @cached_property
    def heads(self) -> frozenset[str]:
        """The revisions that no other follows; a linear history has one."""
        followed = {parent for revision in self.revisions for parent in revision.parents}
        return frozenset(self.by_id) - followed

    def applied(self, seen: Iterable[str]) -> frozenset[str]:
        """Every revision that has run on a database which says it is at `seen`: those and all their ancestors.

        Revisions that the history does not know are left out.
        """
        found: set[str] = set()
        ahead = [revision for revision in seen if revision in self.by_id]
        while ahead:
            revision = ahead.pop()
            if revision not in found:
                found.add(revision)
                ahead.extend(parent for parent in self.by_id[revision].parents if parent in self.by_id)
        return frozenset(found)

    def origin(self, revision: str) -> str:
        """What `revision` follows, as a step's name says it."""
        return ",".join(self.by_id[revision].parents) or self.base


@dataclass(frozen=True)
class Changes:
    """What a patch does to trunk's history, each in the order of the history that has them."""

    added: tuple[Revision, ...]
    edited: tuple[Revision, ...]
    removed: tuple[Revision, ...]


def compare(trunk: History, proposed: History) -> Changes:
    """What `proposed` adds to, edits in and removes from `trunk`."""
    return Changes(
        added=tuple(r for r in proposed.revisions if r.id not in trunk.by_id),
        edited=tuple(r for r in proposed.revisions if r.id in trunk.by_id and r.digest != trunk.by_id[r.id].digest),
        removed=tuple(r for r in trunk.revisions if r.id not in proposed.by_id),
    )
