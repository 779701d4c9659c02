"""The page of documentation about `anonymize discover`, with every rule and its examples."""

from __future__ import annotations

from collections.abc import Iterable

from anonymize.discover.forms import FORMS, Form
from anonymize.discover.name_rules import HARMLESS, RULES, SENSITIVE
from anonymize.discover.names import NameRule
from anonymize.discover.people import LOCALES
from anonymize.kinds.patterns import NAMES

_HEAD = """# Proposed markup: `anonymize discover`

Written from the rules themselves by `python -m anonymize.discover`.

```console
$ anonymize discover dump.sql.zst -o markup.toml
$ anonymize plan dump.sql.zst --markup markup.toml
```

`discover` reads a dump and writes a line of [markup](anonymize.md) for every column of it, with the reason behind it:
a [kind](kinds.md) for what looks personal or secret, or `keep`. What it cannot judge stays unmarked, as a line that
begins with `# ?`, so that `anonymize plan` refuses until somebody decides. Everything else in the file is taken by a
plan as it is. It is a proposal: a person reads every line.

```toml
[tables.users]
id = "keep"  # an id: a number
email = "email"  # 100 % of 812 values are mail addresses, and its name says that it is a mail address (1.00)
# company_id: it inherits from companies.id, which it refers to
# ? bio: free text in 97 % of 640 values; nothing was found in it by its form, but a name may stand there
```

The number behind a reason says how sure it is, from 0 to 1. No value of the dump is printed, not in errors either.

- `--markup` gives what is said already; only the rest is proposed. Give `plan` both files.
- `--sample ROWS`: that many rows of each table are looked at from its beginning on, and besides some of every
  megabyte; at most 1000 values of a column, and at most a megabyte of them, are kept while it runs.
- `--locale de_DE` is for the names of people and places, and adds that country's to those that are known.
- `--presidio` asks Presidio's analyzer about text of which nobody knows what it is, if it is installed.
- `--format json` tells programs the same.

The source is a file of SQL (also compressed), a folder of mydumper's or MySQL Shell's, `-`, or a live server. The
exit status is 0, or 1 if the dump declares no tables (`--schema` gives them), 2 for wrong options, 3 for a dump that
cannot be read.

## How a column is judged

1. What the markup says already, a column that refers to another one, and one that the server computes are left out.
2. Its values: if nine of ten have one of the [forms](#forms), they are of that form. JSON gets a rule for each path
   (lists are one path; paths that were not seen, or cannot be judged, become other text, too). Of free text, what
   stands inside is looked for ({mentions}, and pairs of names of people): then it becomes `scrub`, or `text` if
   people are named, whom `scrub` would leave. Base64, serialized PHP and pickles are looked into, and nothing of them
   is executed.
3. Its [name](#names), in whole words: `description` has no `ip` in it. It confirms what the values say, or decides
   where they say nothing.
4. At most 20 values that come again and again are a choice, and kept, and so are numbers and times whose names say
   nothing. Names that end with {harmless} are taken to be harmless, and {sensitive} are left to you.
5. The kind has to be one that the column's type and length can hold, that keeps values different in a unique key, and
   that refuses no value of the sample; else the nearest other one is proposed, and the reason says why.
6. Text columns of one name in several tables get one kind, so that they still join. A name of one word, such as
   `name`, has to be one that means the same everywhere.

Names of people and cities are told by lists, made from Faker's for {locales}: most of the world's are not on them, so
a quarter of the values is enough, and a column of other names is found by its own name alone.

It does not look at what a whole row says of somebody, into pictures and archives, or at fields of CSV files.

"""


def page() -> str:
    """All of it, as Markdown."""
    head = _HEAD.format(
        mentions=", ".join(NAMES), harmless=_names(HARMLESS), sensitive=_names(SENSITIVE), locales=", ".join(LOCALES)
    )
    forms = "\n".join(map(_form, FORMS))
    names = "\n".join(map(_rule, RULES))
    return (
        f"{head}## Forms\n\nIn the order in which they are tried.\n\n"
        f"| what | kind | sure | is one | is none |\n|---|---|---|---|---|\n{forms}\n\n"
        "## Names\n\nA table's name in front of a dot counts, too.\n\n"
        f"| what | kind | sure | is one | is none |\n|---|---|---|---|---|\n{names}\n"
    )


def _form(form: Form) -> str:
    return _row(form.says, form.kind, form.weight, form.good, form.bad)


def _rule(rule: NameRule) -> str:
    kinds = ", ".join(dict.fromkeys(rule.kinds.values()))
    lengths = rule.lengths
    for_lengths = f", in columns of {_lengths(rule)} characters" if lengths else ""
    return _row(f"{rule.says}{for_lengths}", kinds, rule.weight, rule.good, rule.bad)


def _lengths(rule: NameRule) -> str:
    if isinstance(rule.lengths, range):
        return f"{rule.lengths.start} or more"
    return ", ".join(map(str, rule.lengths))


def _row(what: str, kind: str, weight: float, good: Iterable[str], bad: Iterable[str]) -> str:
    return f"| {what} | {kind} | {weight:.2f} | {_examples(good)} | {_examples(bad)} |"


def _examples(examples: Iterable[str]) -> str:
    return ", ".join(f"`{_short(one)}`" for one in examples)


def _short(example: str) -> str:
    text = example.replace("\n", " ").replace("|", "\\|")
    return text if len(text) <= 40 else f"{text[:37]}..."


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name.replace(' ', '_')}`" for name in names)
