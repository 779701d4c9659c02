"""Markup for a replay: how files and models are read, and what they say of a database's columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from migci.adapters import markup
from migci.adapters.markup import Markups
from migci.config import parse
from migci.core.markup import Column, Markup, Named, Sayings
from migci.errors import UsageError

FILE = """\
[tables.users]
email = "email"
born = { kind = "date" }
"*" = "keep"
[tables.shadow_users]
like = "users"
"""
TOLD = {
    "tables": [
        {
            "create": "CREATE TABLE `users` (\n`id` int NOT NULL,\n`email` varchar(50),\n`phone` varchar(20)\n)",
            "rules": [
                {"column": "email", "said": "text", "place": "shop.models:User.email"},
                {"column": "phone", "said": "phone", "place": "shop.models:User.phone"},
            ],
        }
    ]
}


def said(read: Markup, table: str, column: str, *others: Column) -> str | None:
    return Sayings(read, others).of(Column(table, column, text=True))


def test_a_file_says_what_its_columns_are_and_where_that_stands() -> None:
    read = markup.read(FILE, "m.toml")
    assert read.columns == (("users", "email", "email"), ("users", "born", "date"), ("users", "*", "keep"))
    assert read.like == (("shadow_users", "users"),)
    assert Named("users", "born", "m.toml:3", "m.toml", 3) in read.named
    assert Named("shadow_users", None, "m.toml:5", "m.toml", 5) in read.named
    assert (read.file, read.text) == ("m.toml", FILE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tables = [", r"the markup m.toml is not TOML"),
        ("x = 1", r"the markup m.toml:1: 'x' is not known here"),
        ("[tables.users]\nemail = 'emial'", r"the markup m.toml:2: there is no kind 'emial', as which users.email"),
        ("[tables.users]\nemail = {}", r"the markup m.toml:2: what is said of users.email has no kind"),
        ("[tables.a]\nlike = 'b'", r"the markup m.toml:1: table 'a' is like 'b', which is not in m.toml"),
        ("[tables]\na = " + "[" * 5000, r"the markup m.toml has tables within tables beyond all measure"),
    ],
)
def test_what_a_file_says_that_is_not_understood_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        markup.read(text, "m.toml")


def test_a_kind_of_ones_own_is_not_imported_to_read_what_names_it(tmp_path: Path) -> None:
    read = markup.read('[tables.users]\nbadge = "python:nowhere.at_all:badge"\n', "m.toml")
    assert said(read, "users", "badge") == "python:nowhere.at_all:badge"


def test_a_table_may_be_like_one_that_only_the_models_speak_of() -> None:
    text = '[tables.shadow_users]\nlike = "users"\n'
    assert markup.read(text, "m.toml", alone=False).like == (("shadow_users", "users"),)
    both = Markups().read(("m.toml", text), ("shop.models:Base", TOLD)).markup
    assert said(both, "shadow_users", "phone") == "phone"


def test_a_file_wins_over_the_models_and_a_note_says_where() -> None:
    marked = Markups().read(("m.toml", FILE), ("shop.models:Base", TOLD))
    assert said(marked.markup, "users", "email") == "email"
    assert said(marked.markup, "users", "phone") == "phone"
    assert [one.column.name for one in marked.modelled] == ["users.id", "users.email", "users.phone"]
    assert marked.notes == ("users.email: 'email' (m.toml:2) takes the place of 'text' (shop.models:User.email)",)


def test_what_columns_of_models_refer_to_and_where_they_are_declared_is_told() -> None:
    create = "CREATE TABLE `posts` (\n`author` int,\nFOREIGN KEY (`author`) REFERENCES `users` (`id`)\n)"
    told = {"tables": [*TOLD["tables"], {"create": create, "rules": [], "module": "shop.posts"}]}
    last = Markups().read(None, ("shop.models:Base", told)).modelled[-1]
    assert (last.column.refers, last.module) == ((("users", "id"),), "shop.posts")


def test_models_that_say_nothing_are_no_markup() -> None:
    silent = {"tables": [{**TOLD["tables"][0], "rules": []}]}
    marked = Markups().read(None, ("shop.models:Base", silent))
    assert (marked.markup, marked.modelled) == (Markup(), ())


NESTED: object = []
for _ in range(5000):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"tables": 5},
        {"tables": [NESTED]},
        {"tables": [{"create": "x" * (1 << 22), "rules": []}]},
        {"tables": [{"create": "DROP TABLE x", "rules": []}]},
        {"tables": [{"create": "CREATE TABLE t (a int)", "rules": [{"column": "a", "place": "", "said": NESTED}]}]},
    ],
    ids=["nothing", "a number", "nested", "long", "no table", "no kind"],
)
def test_models_that_tell_what_makes_no_sense_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Markups().read(None, ("shop.models:Base", told))


def test_what_is_longer_than_anybody_writes_is_not_read() -> None:
    with pytest.raises(UsageError, match=r"the markup m\.toml is longer than 256 KB"):
        Markups().read(("m.toml", "#" * (1 << 19)), None)
    table = {"create": "CREATE TABLE t (a int) COMMENT='" + "x" * (1 << 22) + "'", "rules": []}
    with pytest.raises(UsageError, match="tell of more tables than can be read"):
        Markups().read(None, ("shop.models:Base", {"tables": [table]}))


def test_a_file_is_read_in_good_time_however_it_is_written() -> None:
    """A value over many lines is tried again with each of them, so that its own line is not told where it is long."""
    text = "[tables.users]\nemail = { kind = 'enum', values = [\n" + "'a',\n" * 40_000 + "] }\nborn = 'date'\n"
    read = markup.read(text.replace("values = [", "meaning = ["), "m.toml")
    assert [one.line for one in read.named if one.column == "born"] == [1]


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("users", "email", "email"),
        ("users", "id", "keep"),
        ("USERS", "Email", "email"),
        ("shadow_users", "email", "email"),
        ("shadow_users", "id", "keep"),
        ("logs", "line", None),
    ],
)
def test_what_is_said_of_a_column(table: str, column: str, expected: str | None) -> None:
    assert said(markup.read(FILE, "m.toml"), table, column) == expected


def test_a_name_as_it_is_written_comes_before_one_in_another_case() -> None:
    read = Markup((("Users", "email", "text"), ("users", "email", "email")))
    assert [said(read, table, "email") for table in ("Users", "users", "USERS")] == ["text", "email", "text"]


def test_a_column_is_as_the_one_that_it_refers_to_unless_something_is_said_of_itself() -> None:
    users = Column("users", "name", text=True)
    follows = Column("posts", "author", text=True, refers=(("users", "name"),))
    again = Column("likes", "author", text=True, refers=(("posts", "author"),))
    sayings = Sayings(Markup((("users", "name", "name"), ("likes", "*", "keep"))), (users, follows, again))
    assert (sayings.of(follows), sayings.of(again)) == ("name", "name")
    own = Sayings(Markup((("users", "name", "name"), ("posts", "author", "keep"))), (users, follows, again))
    assert (own.of(follows), own.of(again)) == ("keep", "keep")


def test_foreign_keys_in_a_circle_come_to_an_end() -> None:
    one = Column("a", "x", text=True, refers=(("b", "x"),))
    other = Column("b", "x", text=True, refers=(("a", "x"), ("b", "x")))
    assert Sayings(Markup(), (one, other)).of(one) is None
    assert Sayings(Markup((("b", "*", "keep"),)), (one, other)).of(one) == "keep"


def test_foreign_keys_may_be_as_long_as_a_patch_makes_them() -> None:
    columns = [Column(f"t{n}", "x", text=True, refers=((f"t{n + 1}", "x"),)) for n in range(5000)]
    assert Sayings(Markup((("t5000", "x", "hex"),)), columns).of(columns[0]) == "hex"


def test_tables_that_are_like_each_other_come_to_an_end() -> None:
    read = Markup((("a", "x", "keep"),), like=(("a", "b"), ("b", "a")))
    assert (said(read, "b", "x"), said(read, "b", "y")) == ("keep", None)


def test_the_settings_of_a_dataset_name_its_markup(tmp_path: Path) -> None:
    settings = """
[project]
name = "shop"
tool = "alembic"
migrations = "alembic.ini"
trunk = "main"
[datasets.empty]
source = "empty"
markup = "m.toml"
"""
    (tmp_path / "m.toml").write_text(FILE)
    (dataset,) = parse(settings, tmp_path / "migci.toml").as_datasets(tmp_path)
    assert dataset.markup == markup.read(FILE, "m.toml")
    (dataset,) = parse(settings, tmp_path / "migci.toml").as_datasets(tmp_path, (), lambda name: f"# {name} of trunk")
    assert dataset.markup is not None
    assert dataset.markup.text == "# m.toml of trunk"
    (tmp_path / "m.toml").unlink()
    with pytest.raises(UsageError, match=r"the markup .*m\.toml cannot be read"):
        parse(settings, tmp_path / "migci.toml").as_datasets(tmp_path)
