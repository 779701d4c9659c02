"""Models that are read without being imported, and what an interpreter tells of models."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from anonymize import models, models_static
from anonymize.errors import UsageError
from anonymize.fuzzy_happiness import KINDS as FUZZY_KINDS
from anonymize.fuzzy_happiness import kind_of
from tests.unit.anonymize.small_kinds import NAMES, small_kinds

MODELS = """\
import nowhere, sqlalchemy as sa
from nowhere import Column, Base, Annotated, Mapped, mapped_column

Mail = Annotated[str, mapped_column(sa.String(90), info={"anonymize": "email"})]

class Noted:
    __confidential__ = {"old": "varchar(20)", "note": "text"}
    note = Column(sa.Text, info={"anonymize": {"kind": "text", "meaning": "note"}, "label": "Note"})
    old = Column("old_one", sa.String(5))

    @declared_attr
    def by(cls):
        return Column(sa.Integer, info={"anonymize": "integer"})

class User(Noted, Base, nowhere.Other):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True, info={"anonymize": "keep"})
    mail: Mapped[Mail | None]
    mail2: Mapped[str] = sa.orm.deferred(mapped_column("m2", info={"anonymize": "redact"}))
    plain = Column(sa.Text, info={"label": "x"})
    posts = relationship("Post")

logs = sa.Table("logs", Base.metadata, Column("text", sa.Text, info={"anonymize": "null"}), Column("id"))
"""


def read(folder: Path, text: str) -> models_static.Read:
    (folder / "src" / "app").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "app" / "models.py").write_text(text)
    return models_static.read("app.models:Base", small_kinds, folder)


def test_columns_mixins_annotated_types_and_tables_of_a_file_are_read_and_not_run(tmp_path: Path) -> None:
    found = read(tmp_path, MODELS)
    rules = {
        f"{table}.{column}": (rule.kind, dict(rule.options), rule.place.rpartition(":")[2])
        for table, said in found.markup.tables.items()
        for column, rule in said.columns.items()
    }
    assert rules == {
        "users.old_one": ("text", {}, "7"),
        "users.note": ("text", {"meaning": "note"}, "8"),
        "users.by": ("integer", {}, "13"),
        "users.id": ("keep", {}, "17"),
        "users.mail": ("email", {}, "4"),
        "users.m2": ("redact", {}, "19"),
        "logs.text": ("null", {}, "23"),
    }


def test_what_stands_in_other_files_is_told(tmp_path: Path) -> None:
    assert [note.split(": ")[1] for note in read(tmp_path, MODELS).notes] == [
        "Base is not in this file, so what it says of columns was not read",
        "nowhere.Other is not in this file, so what it says of columns was not read",
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a = Column(info=INFO)", "models.py:4: the info of t.a is not a literal"),
        ("a = Column(info={'anonymize': 'emial'})", "models.py:4: there is no kind 'emial', as which t.a is marked"),
        (
            "a: Mapped[Mail] = Column(info={'anonymize': 'text'})",
            "models.py:4: two things are said of t.a, text and email",
        ),
        ("a = Column(**said)", "models.py:4: what ** stands for is not known"),
        ("__confidential__ = [x]", "models.py:4: __confidential__ is not a literal"),
        (
            "__confidential__ = {'a': 'strnig'}",
            "models.py:4: t.a has the type 'strnig', which __confidential__ does not",
        ),
        ("a = (", "models.py is not Python that can be read"),
    ],
)
def test_what_cannot_be_read_without_running_it_is_an_error_with_its_line(
    tmp_path: Path, body: str, message: str
) -> None:
    mail = "Mail = Annotated[str, Column(info={'anonymize': 'email'})]"
    with pytest.raises(UsageError) as caught:
        read(tmp_path, f"{mail}\nclass T:\n    __tablename__ = 't'\n    {body}")
    assert message in caught.value.message


def test_a_module_without_a_file_is_an_error_that_names_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file of the models a\.b:C") as caught:
        models_static.read("a.b:C", small_kinds, tmp_path)
    assert str(tmp_path / "src" / "a" / "b.py") in caught.value.hint


def test_types_of_fuzzy_happiness_become_kinds_and_kinds_stay() -> None:
    assert kind_of("INT(11)", "", "", small_kinds) == "integer"
    assert kind_of("hexstring", "", "", small_kinds) == "hex"
    assert kind_of("email", "", "", small_kinds) == "email"
    assert "email" in NAMES
    assert FUZZY_KINDS["ip_address"] == "ip"


def answering(folder: Path, answer: str, status: int = 0) -> models.Models:
    """What is made of an interpreter that answers this."""
    program = folder / "python"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nprint({answer!r})\nsys.stderr.write('why')\nsys.exit({status})\n"
    )
    program.chmod(0o755)
    return models.read("a:B", small_kinds, python=str(program))


@pytest.mark.parametrize(
    "answer",
    ["nonsense", "[]", '{"tables": 5}', '{"tables": [{}]}', '{"tables": [{"create": "DROP TABLE x", "rules": []}]}',
     '{"tables": [{"create": "CREATE TABLE t (a int)", "rules": [{"column": "a", "place": "", "said": 7}]}]}'],
)  # fmt: skip
def test_an_answer_that_is_not_understood_is_an_error_and_not_a_traceback(tmp_path: Path, answer: str) -> None:
    with pytest.raises(UsageError):
        answering(tmp_path, answer)


def test_an_interpreter_that_fails_or_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ended with status 3: why"):
        answering(tmp_path, "{}", 3)
    with pytest.raises(UsageError, match="cannot be run: No such file"):
        models.read("a:B", small_kinds, python=str(tmp_path / "none"))


def test_the_interpreter_runs_inside_the_command_that_is_given(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("import os, sys\nsys.exit(os.environ['WORD'])")
    with pytest.raises(UsageError, match="cannot be imported: SystemExit: kept"):
        models.read("m:B", small_kinds, python=sys.executable, inside=["env", "WORD=kept"], folder=tmp_path)
