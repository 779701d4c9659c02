"""Two changed lists of migrations made one: what has landed keeps its place, and the rest comes behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A line of versions.json: a number with its files, or a revision's id, which has none."""

    id: str
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.files[0] if self.files else self.id


Items = tuple[Item, ...]

OURS = "ours"
THEIRS = "theirs"

UNTOLD = "which side has landed is not known"
NEITHER = "both sides add to it, and neither has more of trunk: which of them has landed is not known"


@dataclass(frozen=True)
class Unmergeable:
    """Why two lists are not made one: a sentence."""

    reason: str


class _Conflict(Exception):
    pass


def merge(
    base: Items, ours: Items, theirs: Items, trunk: Items | None = None, first: str | None = None, behind: int = 0
) -> Items | Unmergeable:
    """The list that has what either side adds, if they differ only in what they add and where.

    What is in `trunk` has landed: it comes first, in trunk's order and with trunk's numbers. The rest follows with the
    next numbers above that and above `behind`: first that of the side that has more of trunk, or, where both have as
    much, of the side that `first` names. Where `trunk` is not known, all of the side `first` counts as landed.

    It is not merged where a side edits, removes or renumbers what has landed; where both edit the same line, or one
    removes what the other edits; where both put the same lines in another order; and where it is not known which side
    comes first. Never raises.
    """
    try:
        return _Merge(base, ours, theirs, trunk, first, behind).result()
    except _Conflict as conflict:
        return Unmergeable(str(conflict))


class _Merge:
    def __init__(
        self, base: Items, ours: Items, theirs: Items, trunk: Items | None, first: str | None, behind: int
    ) -> None:
        self._key_of: dict[str, str] = {}
        self._numbered = any(item.files for item in (*base, *ours, *theirs))
        self._behind = behind
        self._trunk = None if trunk is None else self._keyed(trunk)
        self._base, mine, other = (self._keyed(items) for items in (base, ours, theirs))
        known = self._trunk or {}
        landed = [sum(key in known for key in side) for side in (mine, other)]
        added = [mine.keys() - other.keys() - known.keys(), other.keys() - mine.keys() - known.keys()]
        if not all(added) and (trunk is not None or not any(added)):
            first = first or OURS  # then nothing follows from it
        if landed[0] != landed[1]:
            first = OURS if landed[0] > landed[1] else THEIRS
        if first is None:
            raise _Conflict(UNTOLD if trunk is None else NEITHER)
        self._first, self._second = (mine, other) if first == OURS else (other, mine)

    def _keyed(self, items: Items) -> dict[str, Item]:
        """By what stays the same when a line is renumbered, or gets one more file."""
        found: dict[str, Item] = {}
        for item in items:
            names = item.files or (item.id,)
            keys = {self._key_of[name] for name in names if name in self._key_of} or {names[0]}
            if len(keys) > 1 or keys & found.keys():
                raise _Conflict(f"{', '.join(names)} are on one line here, and on several there")
            key = keys.pop()
            found[key] = item
            self._key_of.update(dict.fromkeys(names, key))
        return found

    def result(self) -> Items:
        pinned = self._first if self._trunk is None else self._trunk
        there = [key for key in pinned if key in self._first or key in self._second]
        for key in there:
            self._check_landed(key, pinned[key].id)
        kept = [(key, pinned[key].id) for key in there]
        own = self._own_order(pinned)
        last = max([self._behind, *(int(id) for _, id in kept)], default=0) if self._numbered else 0
        if self._numbered and not last and own:
            last = min(int(side[key].id) for side in (self._first, self._second) for key in own if key in side) - 1
        numbers = [(key, str(last + place)) for place, key in enumerate(own, 1)]
        return tuple(
            Item(id, self._files(key, landed=key in pinned)) if self._numbered else Item(key)
            for key, id in (*kept, *numbers)
        )

    def _check_landed(self, key: str, id: str) -> None:
        was = self._base.get(key)
        sides = [side.get(key) for side in (self._first, self._second)]
        if was is not None and None in sides:
            raise _Conflict(f"one side removes {was.name}, which has landed")
        for item in sides:
            if was is not None and item is not None and was.id == id and item.id != id:
                raise _Conflict(f"one side gives {item.name}, which has landed as {id}, the number {item.id}")

    def _own_order(self, pinned: dict[str, Item]) -> list[str]:
        """What has not landed, in an order that keeps both sides' own."""
        if self._trunk is None:
            self._check_inserted()
        one, two = ([key for key in side if key not in pinned] for side in (self._first, self._second))
        gone = {key for key in (*one, *two) if self._removed(key)}
        one, two = ([key for key in side if key not in gone] for side in (one, two))
        anchors, others = [key for key in one if key in two], [key for key in two if key in one]
        before = [key for key in self._base if key in anchors]
        if anchors != others and others != before:
            if anchors != before:
                raise _Conflict(f"both sides put {', '.join(anchors)} in another order")
            anchors = others
        found: list[str] = []
        for anchor in anchors:
            found += [*_before(one, anchor, anchors), *_before(two, anchor, anchors), anchor]
        return [*found, *_behind(one, anchors), *_behind(two, anchors)]

    def _check_inserted(self) -> None:
        added: str | None = None
        for key, item in self._second.items():
            if key not in self._first and key not in self._base:
                added = added or item.name
            elif key in self._first and added is not None:
                raise _Conflict(f"one side puts {added} before {item.name}, and which of them has landed is not known")

    def _removed(self, key: str) -> bool:
        was = self._base.get(key)
        left = [side[key] for side in (self._first, self._second) if key in side]
        if was is None or len(left) == 2:
            return False
        if left[0].files != was.files:
            raise _Conflict(f"one side removes {was.name}, and the other one edits it")
        return True

    def _files(self, key: str, *, landed: bool) -> tuple[str, ...]:
        was, one, two = (side.get(key) for side in (self._base, self._first, self._second))
        if one is None or two is None or one.files == two.files:
            found = one or two
            assert found is not None
            edited = was is not None and found.files != was.files
        else:
            changed = [item for item in (one, two) if was is None or item.files != was.files]
            if len(changed) == 2:
                raise _Conflict(f"both sides edit the line of {one.name}")
            found, edited = changed[0], True
        if landed and edited:
            known = self._first.get(key) if self._trunk is None else self._trunk[key]
            if known is None or known.files != found.files:
                raise _Conflict(f"one side edits the line of {found.name}, which has landed")
        return found.files


def _before(side: Sequence[str], anchor: str, anchors: Sequence[str]) -> list[str]:
    """What stands on a side right before `anchor`, up to another one."""
    found: list[str] = []
    for key in reversed(side[: side.index(anchor)]):
        if key in anchors:
            break
        found.insert(0, key)
    return found


def _behind(side: Sequence[str], anchors: Sequence[str]) -> list[str]:
    last = max((place for place, key in enumerate(side) if key in anchors), default=-1)
    return list(side[last + 1 :])
