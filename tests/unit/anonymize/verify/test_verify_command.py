"""`anonymize verify`, as it is called: what passes, what fails and where, what it says, and that it says no value."""

from __future__ import annotations

import base64
import gzip
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from anonymize import cli, engine, kinds, markup_file
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.rewrite import Request, dump

DUMP = r"""-- MySQL dump 10.13
CREATE TABLE `users` (
  `id` int NOT NULL,
  `email` varchar(99) NOT NULL,
  `name` varchar(99) DEFAULT NULL,
  `born` date DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `email` (`email`)
);
INSERT INTO `users` VALUES (1,'ada.lovelace@example.org','Ada Lovelace','1815-12-10'),
(2,'grace.hopper@example.org','Grace O\'Hopper',NULL),
(3,'emmy@example.org','','1882-03-23');
CREATE TABLE `orders` (
  `id` int NOT NULL,
  `user_email` varchar(99) DEFAULT NULL,
  `phone` varchar(40) DEFAULT NULL,
  `note` text,
  KEY `user` (`user_email`),
  CONSTRAINT `user` FOREIGN KEY (`user_email`) REFERENCES `users` (`email`)
);
INSERT INTO `orders` VALUES (1,'ada.lovelace@example.org','+44 20 7946 0958','{\"gift\": true}');
INSERT INTO `orders` VALUES (2,'ADA.LOVELACE@example.org','---',NULL),(3,NULL,NULL,'to the back door');
CREATE TABLE `settings` (`name` varchar(20), `value` text);
INSERT INTO `settings` VALUES ('theme','dark');
-- Dump completed on 2026-11-21
"""
MARKUP = """
[tables.users]
id = "keep"
email = "email"
name = "text"
born = "date"
[tables.orders]
phone = "phone"
"*" = "keep"
[tables.settings]
"*" = "keep"
"""
SECRETS = ("lovelace", "hopper", "emmy", "7946", "1815", "1882")


@dataclass
class Desk:
    """A folder with a dump, what was made of it, and the command line."""

    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def anonymized(self, original: str = DUMP, markup: str = MARKUP) -> str:
        Path("dump.sql").write_text(original)
        Path("markup.toml").write_text(markup)
        said = markup_file.read(Path("markup.toml"), kinds.find)
        planner = Planner(said, kinds.find, Key(b"a key for tests, of 32 bytes ..."))
        dump(Request("dump.sql", "out.sql", force=True), planner, lambda done, total: None)
        return Path("out.sql").read_text()

    def run(self, *words: str) -> tuple[int, str]:
        """The exit status, and what was said."""
        self.monkeypatch.setattr(sys, "argv", ["anonymize", "verify", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self.capfd.readouterr()
        assert "Traceback" not in said.err
        return int(ended.value.code or 0), said.err + said.out

    def verify(self, result: str | None = None, *words: str) -> tuple[int, dict[str, Any], str]:
        """The exit status, the report, and what was said."""
        if result is not None:
            Path("out.sql").write_text(result)
        status, said = self.run("dump.sql", "out.sql", "--markup", "markup.toml", "--report", "report.json", *words)
        for secret in SECRETS:
            assert secret not in said.lower()
        return status, json.loads(Path("report.json").read_text()), said

    def fails(self, result: str, check: str) -> list[dict[str, Any]]:
        """That this check and no other failed; what it found."""
        status, report, _ = self.verify(result)
        assert status == 1
        assert not report["passed"]
        failed = [one for one in report["checks"] if not one["passed"]]
        assert [one["name"] for one in failed] == [check]
        findings: list[dict[str, Any]] = failed[0]["findings"]
        return findings


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(monkeypatch, capfd)


def test_what_was_made_as_it_should_be_passes(desk: Desk) -> None:
    desk.anonymized()
    status, report, said = desk.verify()
    assert status == 0, said
    assert report["passed"]
    assert report["schema"] == "anonymize.verify/1"
    assert report["rows"] == {"users": 3, "orders": 3}
    assert [len(report[one]["sha256"]) for one in ("original", "result")] == [64, 64]
    assert report["markup"][0]["name"] == "markup.toml"
    columns = {f"{one['table']}.{one['column']}": one for one in report["columns"]}
    assert set(columns) == {"users.email", "users.name", "users.born", "orders.user_email", "orders.phone"}
    assert (columns["users.born"]["values"], columns["users.born"]["nulls"]) == (3, 1)
    assert columns["orders.phone"]["reasons"] == {"nothing in them that the kind replaces": 1}
    joins = next(one for one in report["checks"] if one["name"] == "joins")
    assert joins["compared"] == {"groups of columns": 1, "columns": 2, "different originals": 3}
    assert any("4,096 bytes" in one for one in report["not_checked"])


def test_the_twin_in_python_says_the_same(desk: Desk) -> None:
    desk.anonymized()
    _, report, _ = desk.verify()
    desk.monkeypatch.setattr(engine, "_kernel", None)
    with pytest.warns(UserWarning, match="slowly"):
        status, same, _ = desk.verify()
    assert status == 0
    assert same == report


def test_a_compressed_dump_is_compared_with_one_that_is_not(desk: Desk) -> None:
    desk.anonymized()
    Path("dump.sql.gz").write_bytes(gzip.compress(DUMP.encode()))
    status, _ = desk.run("dump.sql.gz", "out.sql", "--markup", "markup.toml")
    assert status == 0


def test_a_page_to_sign_stands_by_itself_and_shows_no_value(desk: Desk) -> None:
    result = desk.anonymized()
    desk.verify(result.replace("'dark'", "'ada.lovelace@example.org'"), "--page", "report.html")
    page = Path("report.html").read_text()
    assert "http" not in page
    assert "failed" in page
    assert not any(secret in page.lower() for secret in SECRETS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("to the back door", "to the front door"),
        ("(3,NULL,NULL", "(4,NULL,NULL"),
    ],
)
def test_a_kept_value_that_differs_fails_with_its_place(desk: Desk, old: str, new: str) -> None:
    (found,) = desk.fails(desk.anonymized().replace(old, new), "kept columns")
    assert (found["table"], found["row"], found["original_line"], found["result_line"]) == ("orders", 3, 22, 22)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("('theme','dark')", "('theme','light')"),
        ("`value` text", "`value` blob"),
        (",(3,NULL,NULL,'to the back door')", ""),
        ("-- Dump completed on 2026-11-21\n", "-- Dump completed on 2026-11-21\n--\n"),
        ("-- Dump completed on 2026-11-21\n", ""),
        ("INSERT INTO `settings`", "REPLACE INTO `settings`"),
    ],
)
def test_any_other_difference_of_form_fails(desk: Desk, old: str, new: str) -> None:
    result = desk.anonymized()
    assert old in result
    status, report, _ = desk.verify(result.replace(old, new))
    failed = {one["name"]: one["findings"] for one in report["checks"] if not one["passed"]}
    assert status == 1
    assert set(failed) == {"form", "leaks"}
    assert failed["form"][0]["result_line"] >= 14
    assert "not searched" in failed["leaks"][0]["text"]


def test_a_value_that_was_not_replaced_fails(desk: Desk) -> None:
    result = desk.anonymized()
    name = result.split("'")[3]
    found = desk.fails(result.replace(name, "Ada Lovelace"), "replaced")
    assert [(one["table"], one["column"], one["row"], one["result_line"]) for one in found] == [
        ("users", "name", 1, 10)
    ]


def test_null_in_a_values_place_fails(desk: Desk) -> None:
    result = desk.anonymized()
    phone = result.split("INSERT INTO `orders`")[1].split("'")[3]
    (found,) = desk.fails(result.replace(f"'{phone}'", "NULL"), "NULL")
    assert found["column"] == "phone"


def test_a_join_that_is_lost_fails(desk: Desk) -> None:
    result = desk.anonymized()
    email = result.split("'")[1]
    head, rows = result.split("INSERT INTO `orders`", 1)
    (found,) = desk.fails(head + "INSERT INTO `orders`" + rows.replace(email, "another" + email, 1), "joins")
    assert (found["table"], found["column"], found["row"]) == ("orders", "user_email", 1)


def test_two_that_became_one_in_a_unique_key_fail(desk: Desk) -> None:
    result = desk.anonymized()
    emails = [one for one in result.split("'") if one.count("@") == 1]
    (found,) = desk.fails(result.replace(emails[1], emails[0].upper()), "unique keys")
    assert (found["table"], found["column"], found["row"]) == ("users", "email", 2)


@pytest.mark.parametrize(
    "leak",
    [
        "see ada.lovelace@example.org",
        r"Grace O\'Hopper",
        "Ada%20Lovelace",
        base64.b64encode(b"name: Ada Lovelace").decode(),
        b"Ada Lovelace".hex(),
        r"{\"name\": \"Ada \\u004covelace\"}",
        "+44 20 7946 0958",
    ],
)
def test_an_original_in_a_kept_column_fails_unless_it_is_explained(desk: Desk, leak: str) -> None:
    original = DUMP.replace("to the back door", leak)
    found = desk.fails(desk.anonymized(original), "leaks")
    assert (found[0]["table"], found[0]["column"], found[0]["row"], found[0]["result_line"]) == (
        "orders",
        "note",
        3,
        22,
    )
    status, report, _ = desk.verify(None, "--explain", "Orders.Note=nobody reads it")
    assert status == 0
    assert [(one["found_in"], one["reason"]) for one in report["explained"]] == [("orders.note", "nobody reads it")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("`value` text", "`value` text COMMENT 'ask Ada Lovelace'"),
        ("`value` text", "`value` varchar(99) DEFAULT 'ada.lovelace@example.org'"),
        ("-- Dump completed", "-- by Ada Lovelace\n-- Dump completed"),
        ("VALUES ('theme'", "VALUES /* Ada Lovelace */ ('theme'"),
        ("('theme','dark')", "('theme','Ada Lovelace')"),
    ],
)
def test_an_original_outside_of_the_columns_and_in_other_tables_fails(desk: Desk, old: str, new: str) -> None:
    assert desk.fails(desk.anonymized(DUMP.replace(old, new)), "leaks")


def test_another_values_original_in_a_replaced_column_fails(desk: Desk) -> None:
    phones = "".join(f",({number},NULL,'+44 20 7946 {number:04}',NULL)" for number in range(100, 140))
    result = desk.anonymized(
        DUMP.replace(",(3,NULL,NULL", phones + ",(3,NULL,NULL"), MARKUP.replace('"phone"', '"text"')
    )
    original = [f"+44 20 7946 {number:04}" for number in range(100, 140)]
    values = [one.split("'")[1] for one in result.split("(2,")[-1].split("),(")[1:41]]
    for value, other in zip(values, original[1:] + original[:1], strict=True):
        result = result.replace(f"'{value}'", f"'{other}'")
    assert desk.fails(result, "leaks")


def test_a_name_in_the_schema_that_is_an_original_is_explained(desk: Desk) -> None:
    desk.anonymized(DUMP.replace("'Ada Lovelace'", "'settings'"))
    status, report, _ = desk.verify()
    assert status == 0
    assert "name of something in the schema" in report["explained"][0]["reason"]


def test_the_members_that_a_type_declares_are_explained_and_a_default_is_not(desk: Desk) -> None:
    extra = (
        "CREATE TABLE `states` (`id` int, `state` enum('active','passive') DEFAULT NULL);\n"
        "INSERT INTO `states` VALUES (1,'active'),(2,'passive');\n"
    )
    markup = MARKUP + '[tables.states]\nid = "keep"\nstate = "enum"\n'
    original = DUMP.replace("-- Dump completed", extra + "-- Dump completed")
    desk.anonymized(original, markup)
    status, _, said = desk.verify()
    assert status == 0, said
    desk.anonymized(original.replace("-- Dump", "-- by the active one\n-- Dump"), markup)
    assert desk.verify()[0] == 1
    assert desk.verify(None, "--explain", "statements=a word like any other")[0] == 0


def test_a_name_of_the_pool_is_explained_where_it_was_drawn_and_nowhere_else(desk: Desk) -> None:
    names = ["Michael", "Jennifer", "Christopher", "Elizabeth", "Matthew", "Stephanie"]
    rows = ",".join(f"({number},'{names[number % 6]}')" for number in range(400))
    extra = f"CREATE TABLE `people` (`id` int, `name` varchar(99));\nINSERT INTO `people` VALUES {rows};\n"
    markup = MARKUP + '[tables.people]\nid = "keep"\nname = "first_name"\n'
    desk.anonymized(DUMP.replace("-- Dump completed", extra + "-- Dump completed"), markup)
    kept = "INSERT INTO `settings` VALUES ('by','Jennifer');\n"
    desk.anonymized(DUMP.replace("-- Dump completed", extra + kept + "-- Dump completed"), markup)
    status, report, _ = desk.verify()
    assert status == 1
    leaks = next(one for one in report["checks"] if one["name"] == "leaks")
    assert {one["table"] for one in leaks["findings"]} == {"settings"}


def test_permuted_numbers_and_moved_dates_may_be_those_of_others(desk: Desk) -> None:
    rows = ",".join(f"({number},{100_000 + number},'2024-01-{number % 28 + 1:02}',{number})" for number in range(300))
    extra = (
        "CREATE TABLE `days` (`id` int, `number` int, `day` date, `kept` date, PRIMARY KEY (`number`));\n"
        f"INSERT INTO `days` VALUES {rows.replace(',0)', ',NULL)')};\n"
    )
    markup = (
        MARKUP + '[tables.days]\nid = "keep"\nnumber = "integer"\nday = { kind = "date", days = 20 }\nkept = "keep"\n'
    )
    desk.anonymized(DUMP.replace("-- Dump completed", extra + "-- Dump completed"), markup)
    status, report, said = desk.verify()
    assert status == 0, said
    assert report["rows"]["days"] == 300


def test_several_databases_lists_of_columns_generated_ones_and_bytes_are_understood(desk: Desk) -> None:
    original = r"""SET NAMES utf8mb4;
USE `shop`;
CREATE TABLE `users` (`id` int NOT NULL, `mail` varchar(99) CHARACTER SET latin1,
  `host` varchar(99) GENERATED ALWAYS AS (substr(`mail`,5)) STORED, `key` binary(8), UNIQUE KEY (`mail`,`id`));
INSERT INTO `users` (`key`,`id`,`mail`) VALUES (0x6162636465666768,1,'fred@example.org'),(_binary 'ABCDEFGH',2,NULL);
INSERT  IGNORE INTO `users` VALUES (3,'zoe@example.org','example.org',NULL);
USE `other`;
CREATE TABLE `users` (`id` int, `who` varchar(99));
REPLACE INTO `other`.`users` VALUES (1,'someone special');
"""
    markup = """
[tables."shop.users"]
id = "keep"
mail = "email"
key = "redact"
[tables."other.users"]
id = "keep"
who = "text"
"""
    desk.anonymized(original, markup)
    status, report, said = desk.verify()
    assert status == 0, said
    assert report["rows"] == {"shop.users": 3, "other.users": 1}
    hook = "CREATE TRIGGER x BEFORE INSERT ON users FOR EACH ROW SET @a = 'someone special';\n"
    found = desk.fails(desk.anonymized(original + hook, markup), "leaks")
    assert [(one["table"], one["result_line"]) for one in found] == [(None, 10)]


def test_json_is_searched_for_the_leaves_that_were_replaced(desk: Desk) -> None:
    original = DUMP.replace(
        "'{\\\"gift\\\": true}'", '\'{\\"gift\\": \\"Charles Babbage\\", \\"kind\\": \\"birthday\\"}\''
    )
    original = original.replace("`note` text", "`note` json")
    markup = MARKUP.replace(
        'phone = "phone"', 'phone = "phone"\nnote = { kind = "json", paths = { "$.gift" = "text" }, other = "keep" }'
    )
    original = original.replace("'to the back door'", '\'{\\"kind\\": \\"birthday\\"}\'')
    desk.anonymized(original, markup)
    status, _, said = desk.verify()
    assert status == 0, said
    assert desk.fails(desk.anonymized(original.replace("'dark'", "'for Charles Babbage'"), markup), "leaks")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("-", "out.sql"), 2, "is not a file"),
        (("dump.sql", "missing.sql"), 2, "is not a file"),
        (("dump.sql", "out.sql", "--explain", "orders.note"), 2, "no reason"),
        (("dump.sql", "out.sql", "--explain", "orders.nothing=x"), 2, "no column of the dump"),
        (("cut.sql", "out.sql"), 3, "cut off"),
    ],
)
def test_what_cannot_be_verified_says_why(desk: Desk, words: tuple[str, ...], status: int, said: str) -> None:
    desk.anonymized()
    Path("cut.sql").write_text(DUMP[:500])
    ended, told = desk.run(*words, "--markup", "markup.toml")
    assert ended == status
    assert said in told


def test_markup_that_matches_nothing_fails(desk: Desk) -> None:
    desk.anonymized()
    Path("markup.toml").write_text(MARKUP + '[tables.nothing]\n"*" = "keep"\n')
    ended, told = desk.run("dump.sql", "out.sql", "--markup", "markup.toml")
    assert ended == 1
    assert "nothing" in told
