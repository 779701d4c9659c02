"""The page of documentation about all kinds, written from what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from anonymize.kinds import FAMILIES, KINDS
from anonymize.kinds.columns import BLOBS, BYTES, DATES, DECIMALS, FLOATS, INTEGERS, TEXTS, TIMES
from anonymize.kinds.definition import Definition
from anonymize.kinds.kind import Kind

_HEAD = """# Kinds

Written from the kinds themselves by `python -m anonymize.kinds`.

A kind says how a column's values are replaced. In markup it stands by itself, `email = "email"`, or with options,
`email = {{ kind = "email", domain = "example.org" }}`. NULL stays NULL and an empty value stays empty, unless a kind
says otherwise.

A pseudonym depends on the key, the kind's `meaning` and the value alone: the same ones in every table, every dump and
on every day. Where two columns with one kind should not share their pseudonyms, give them meanings; where they are
joined, leave them the same. What the column's collation takes for the same has the same pseudonym: in one that ignores
case (`_ci`), case, accents and spaces at the end do not count, else only spaces at the end do not, and in a column of
bytes everything counts. A collation that is not known is taken for one that ignores case.

Whether different values stay different:

- **bijective**: always, as the kind is a permutation;
- **collision-free**: in all likelihood, as 64 bits or more are drawn: among a hundred million values the chance of one
  clash is 1 in 7,000 for the 65 bits of a narrow column, and 1 in 200,000,000 for the 80 bits of one that is wide
  enough;
- **lossy**: no. `anonymize plan` refuses a lossy kind for a column that has to be unique.

Names, companies, streets and cities come from pools that are made with Faker, once and only if they are used. A pool
is the same for every key and on every day, but not for every version of Faker: keep to one version where pseudonyms
have to stay the same. A column too narrow for all of a pool's entries, or whose character set cannot write them,
draws from those that fit.

{table}
"""

_FAMILIES = {"text": TEXTS, "bytes": BYTES, "blobs": BLOBS, "integers": set(INTEGERS), "decimals": DECIMALS}
_FAMILIES |= {"floats": FLOATS, "dates": DATES | TIMES}
"""Words for types that mostly come together."""


def page() -> str:
    """All of it, as Markdown."""
    rows = "\n".join(_row(kind) for kind in _kinds())
    table = f"| kind | unique | length | for columns of type |\n|---|---|---|---|\n{rows}"
    return _HEAD.format(table=table) + "".join("\n" + _section(kind) for kind in _kinds())


def _kinds() -> Iterator[Kind]:
    yield from KINDS.values()
    yield FAMILIES["faker"]("PROVIDER")
    yield FAMILIES["python"]("MODULE:FUNCTION")


def _row(kind: Kind) -> str:
    says = kind.guarantees
    return f"| [{kind.name}](#{_anchor(kind)}) | {says.uniqueness.value} | {says.length} | {_types(kind)} |"


def _anchor(kind: Kind) -> str:
    return kind.name.lower().replace(":", "")


def _types(kind: Kind) -> str:
    left = set(kind.types)
    words = []
    for word, family in _FAMILIES.items():
        if family <= left:
            words.append(word)
            left -= family
    return ", ".join(words + sorted(left)) or "any"


def _section(kind: Kind) -> str:
    says = kind.guarantees
    lines = [f"## {kind.name}", "", kind.summary, ""]
    if isinstance(kind, Definition):
        lines += ["```toml", kind.example, "```", ""]
    if kind.options:
        lines += ["Options:", "", *(f"- `{name}`: {text}" for name, text in sorted(kind.options.items())), ""]
    lines += ["Keeps:", ""]
    lines += [f"- unique: {says.uniqueness.value}", f"- length: {says.length}", f"- characters: {says.characters}"]
    lines += [f"- order: {says.order}", f"- NULL: {says.null}"]
    return "\n".join(lines) + "\n"
