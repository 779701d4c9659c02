"""Markup from TOML, and markup from several sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymize.errors import UsageError
from anonymize.markup import Markup, Rule, TableMarkup
from anonymize.markup_file import parse, read
from anonymize.merging import merged
from tests.unit.anonymize.small_kinds import small_kinds

TOML = """\
# a comment with [tables.nothing]
[tables.users]
id = "keep"
email = { kind = "email", meaning = '''two
lines''' }
like = "people"

[tables."shop.orders"]
"*" = "keep"
like = { kind = "keep" }
at.kind = "datetime"
at.subject = "user"
[tables.logs.text]
kind = "text"
"""


def test_every_rule_knows_its_line() -> None:
    assert parse(TOML, "m.toml", small_kinds) == Markup(
        {
            "users": TableMarkup(
                {
                    "id": Rule("keep", {}, "m.toml:3"),
                    "email": Rule("email", {"meaning": "two\nlines"}, "m.toml:4"),
                },
                None,
                "people",
                "m.toml:2",
            ),
            "shop.orders": TableMarkup(
                {
                    "like": Rule("keep", {}, "m.toml:10"),
                    "at": Rule("datetime", {"subject": "user"}, "m.toml:11"),
                },
                Rule("keep", {}, "m.toml:9"),
                None,
                "m.toml:8",
            ),
            "logs": TableMarkup({"text": Rule("text", {}, "m.toml:13")}, None, None, "m.toml:13"),
        }
    )


@pytest.mark.parametrize(
    ("toml", "message", "hint"),
    [
        ('[tables.users]\n\nemail = "emial"', "m.toml:3: there is no kind 'emial', as which users.email is marked",
         "did you mean 'email'?"),
        ('[tables.u]\nm = { kind = "text", meanin = "x" }',
         "m.toml:2: u.m has the option 'meanin', which the kind 'text' does not have", "did you mean 'meaning'?"),
        ('[tables.u]\nm = { kind = "keep", meaning = "x" }',
         "m.toml:2: u.m has the option 'meaning', which the kind 'keep' does not have", "there are none"),
        ('[tabels.u]\nm = "keep"', "m.toml:1: 'tabels' is not known here", "did you mean 'tables'?"),
        ("[tables.u]\nm = true", "m.toml:2: True is said of u.m, which is no kind", 'write "keep", or'),
        ('[tables.shop.users]\nm = "keep"', "m.toml:1: what is said of shop.users has no kind", "write it like this"),
        ('[tables]\nusers = "keep"', "m.toml:2: what is said of the table users is 'keep'", "it looks like this"),
        ("tables = 1", "m.toml:1: 'tables' is not a table", "it looks like this"),
        ('[tables.u]\nm = "keep"\nM = "text"', "m.toml:3: u.M is the same column as m", "remove one of them"),
        ("[tables.u\n", "m.toml is not TOML: Expected ']'", "it looks like this"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named_with_its_line_and_the_nearest_right_one(
    toml: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse(toml, "m.toml", small_kinds)
    assert caught.value.message.startswith(message)
    assert caught.value.hint.startswith(hint)


def test_a_file_that_is_not_there_or_not_text_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read(tmp_path / "none.toml", small_kinds)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(UsageError, match=r"is not in UTF-8"):
        read(tmp_path / "latin.toml", small_kinds)


def test_of_several_sources_the_last_one_wins_and_says_so() -> None:
    first = Markup(
        {"Users": TableMarkup({"email": Rule("email", {}, "m:User.email"), "id": Rule("keep", {}, "m:User.id")})}
    )
    second = parse(
        '[tables.users]\nEmail = "text"\nid = "keep"\n"*" = "null"\n[tables.logs]\n"*" = "keep"', "m.toml", small_kinds
    )
    both, notes = merged([first, second])
    assert notes == ("Users.Email: 'text' (m.toml:2) takes the place of 'email' (m:User.email)",)
    assert list(both.tables) == ["Users", "logs"]
    assert both.tables["Users"].columns == {"Email": Rule("text", {}, "m.toml:2"), "id": Rule("keep", {}, "m.toml:3")}
    assert both.tables["Users"].rest == Rule("null", {}, "m.toml:4")


def test_two_tables_of_one_source_whose_names_differ_in_case_stay_two() -> None:
    source = parse('[tables.users]\na = "keep"\n[tables.USERS]\na = "text"', "m.toml", small_kinds)
    assert merged([source]) == (source, ())
    both, notes = merged([source, source])
    assert (both, notes) == (source, ())
