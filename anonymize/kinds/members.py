"""The kind enum: the members of a small set change places, in a way that only the key knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anonymize.errors import Unfit
from anonymize.folding import fold
from anonymize.kinds.columns import TEXTS
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option
from anonymize.ops import Call, Fold
from anonymize.pseudonym import token


@dataclass(frozen=True, slots=True)
class Members:
    """Each member becomes the next one of a circle. Raises Unfit for what is no member."""

    circle: tuple[bytes, ...]
    fold: Fold
    separated: bool = False
    """A value holds any number of members, with commas between them."""
    _next: Mapping[bytes, bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        following = self.circle[1:] + self.circle[:1]
        moves = {fold(one, self.fold): other for one, other in zip(self.circle, following, strict=True)}
        object.__setattr__(self, "_next", moves)

    def __call__(self, value: bytes) -> bytes:
        try:
            if self.separated:
                return b",".join(self._next[fold(one, self.fold)] for one in value.split(b","))
            return self._next[fold(value, self.fold)]
        except KeyError:
            raise Unfit("it is none of the members") from None


def _enum(wish: Wish) -> Made:
    members: list[str] = wish.options["members"] or list(wish.column.members)
    if not all(isinstance(one, str) for one in members):
        raise wish.refuse("not every member is a text", 'write members = ["new", "paid"]')
    if not members:
        raise wish.refuse("its members are not known", 'name them: members = ["new", "paid"]')
    folded = {fold(one.encode(), wish.fold) for one in members}
    if len(folded) < max(2, len(members)):
        reason = "has one member, which could only become itself" if len(members) == 1 else "has a member twice"
        raise wish.refuse(f"it {reason}", 'keep it ("keep"), or choose "constant"')
    unknown = set(members) - set(wish.column.members) if wish.column.members else set()
    if unknown:
        raise wish.refuse(
            f"{', '.join(sorted(unknown))} is no member of the column", f"they are: {', '.join(wish.column.members)}"
        )
    # In a circle no member stays where it is, which with two of them would be every other permutation.
    circle = sorted((one.encode() for one in members), key=lambda one: token(wish.secret, fold(one, wish.fold)))
    op = Call(Members(tuple(circle), wish.fold, wish.column.type == "set"))
    # The members of a set have an order of their own, which the server restores.
    return Made(op, Uniqueness.BIJECTIVE, None if wish.column.type in ("enum", "set") else max(map(len, members)))


ENUM = Definition(
    name="enum",
    summary="Every member of a small set stands for another one; none for itself.",
    guarantees=Guarantees(Uniqueness.BIJECTIVE, length="that of another member", characters="those of the members"),
    making=_enum,
    example='state = { kind = "enum", members = ["new", "paid", "void"] }',
    known={
        "members": Option("what the values may be; by default what the column's type says", list),
        "meaning": MEANING,
    },
    types=TEXTS | {"enum", "set"},
)
