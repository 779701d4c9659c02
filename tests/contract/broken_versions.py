"""versions.json files that say no order, and what is said of each; all that read the file are held to these."""

from __future__ import annotations

from dataclasses import dataclass

FILES = ("folsom.py", "counters.py", "counters_mysql_upgrade.sql", "counters_sqlite_upgrade.sql")
"""The scripts that lie beside each of them."""


@dataclass(frozen=True)
class Broken:
    """`text` is of the file, with `beside` in the folder too; `said` is what sqlalchemy-migrate's part says."""

    text: str | bytes
    said: str
    beside: tuple[str, ...] = ()


BROKEN = {
    "nothing": Broken("", "cannot be read: Expecting value: line 1 column 1 (char 0)"),
    "no JSON": Broken('{"133": ["folsom.py"],}', "cannot be read: Expecting property name"),
    "two files in one": Broken('{"133": ["folsom.py"]}\n{}', "cannot be read: Extra data"),
    "marks of a conflict": Broken('{\n<<<<<<< ours\n  "133": ["folsom.py"]\n', "cannot be read: Expecting property"),
    "no text": Broken(b'{"133": ["\xff.py"]}', "cannot be read: 'utf-8' codec can't decode"),
    "deep": Broken("[" * 100_000, "cannot be read: "),
    "a list": Broken('["folsom.py"]', 'it is not an object such as {"1": ["first.py"]}'),
    "a word": Broken('"folsom.py"', 'it is not an object such as {"1": ["first.py"]}'),
    "null": Broken("null", 'it is not an object such as {"1": ["first.py"]}'),
    "a repeated number": Broken('{"133": ["folsom.py"], "133": ["counters.py"]}', "number 133 is there twice"),
    "a number with zeros": Broken('{"0133": ["folsom.py"]}', '"0133" is not a number such as 7 or 134'),
    "number 0": Broken('{"0": ["folsom.py"]}', '"0" is not a number such as 7 or 134'),
    "a number below": Broken('{"-1": ["folsom.py"]}', '"-1" is not a number such as 7 or 134'),
    "a huge number": Broken(f'{{"{"9" * 5000}": ["folsom.py"]}}', "is not a number such as 7 or 134"),
    "a name for a number": Broken('{"folsom": ["folsom.py"]}', '"folsom" is not a number such as 7 or 134'),
    "other digits": Broken('{"١٣٣": ["folsom.py"]}', "is not a number such as 7 or 134"),
    "numbers out of order": Broken(
        '{"134": ["counters.py"], "133": ["folsom.py"]}', "number 133 comes after 134"
    ),
    "order of text": Broken('{"1000": ["counters.py"], "999": ["folsom.py"]}', "number 999 comes after 1000"),
    "a name without a list": Broken('{"133": "folsom.py"}', "number 133 has no list of file names"),
    "no names": Broken('{"133": []}', "number 133 has no list of file names"),
    "a number for a name": Broken('{"133": [133]}', "number 133 has no list of file names"),
    "an object for names": Broken('{"133": {"folsom.py": 1}}', "number 133 has no list of file names"),
    "a list in a list": Broken('{"133": [["folsom.py"]]}', "number 133 has no list of file names"),
    "a file twice": Broken(
        '{"133": ["folsom.py"], "134": ["folsom.py"]}', '"folsom.py" is listed twice: for 133 and for 134'
    ),
    "a file twice for one number": Broken(
        '{"133": ["folsom.py", "folsom.py"]}', '"folsom.py" is listed twice: for 133 and for 133'
    ),
    "a missing file": Broken('{"133": ["grizzly.py"]}', '"grizzly.py", of number 133, is not there'),
    "a folder": Broken('{"133": ["lib.py"]}', '"lib.py", of number 133, is not there', ("lib.py/",)),
    "another folder's file": Broken('{"133": ["../folsom.py"]}', "is no name of a migration's file"),
    "a path": Broken('{"133": ["/etc/passwd.py"]}', "is no name of a migration's file"),
    "no script": Broken('{"133": ["README"]}', '"README", of number 133, is no name of a', ("README",)),
    "only an ending": Broken('{"133": [".py"]}', "is no name of a migration's file"),
    "an empty name": Broken('{"133": [""]}', "is no name of a migration's file"),
    "half a character": Broken('{"133": ["\\ud800.py"]}', "is no name of a migration's file"),
    "a line break in a name": Broken('{"133": ["fol\\nsom.py"]}', "is no name of a migration's file"),
    "SQL for no database": Broken('{"133": ["upgrade.sql"]}', "is no name of a migration's file", ("upgrade.sql",)),
    "two Python scripts": Broken(
        '{"133": ["folsom.py", "counters.py"]}', "number 133 has two files for the same: folsom.py, counters.py"
    ),
    "two scripts for one database": Broken(
        '{"133": ["counters_mysql_upgrade.sql", "other_mysql.sql"]}',
        "number 133 has two files for the same: counters_mysql_upgrade.sql, other_mysql.sql",
        ("other_mysql.sql",),
    ),
    "a numbered file beside": Broken(
        '{"133": ["folsom.py"]}', '"134_counters.py" is numbered, and not listed, so it would never run',
        ("134_counters.py",),
    ),
}  # fmt: skip
