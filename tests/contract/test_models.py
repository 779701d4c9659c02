"""Models are imported in their own interpreter, whatever SQLAlchemy and Python it has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from anonymize.errors import UsageError
from anonymize.models import Models, read
from anonymize.schema import Column, ForeignKey
from tests.contract import interpreters
from tests.unit.anonymize.small_kinds import small_kinds

OLD_STYLE = """
from sqlalchemy import (BigInteger, Column, Computed, Enum, ForeignKey, Index, Integer, MetaData, String, Table, Text,
                        UniqueConstraint)
from sqlalchemy.orm import declarative_base, registry
from sqlalchemy.types import TypeDecorator

print("models may print")
mapping = registry()
Base = mapping.generate_base()

class Shout(TypeDecorator):
    impl = String(7)
    cache_ok = True

class Unknown(TypeDecorator):
    impl = String
    cache_ok = True

class Noted:
    __confidential__ = {"note": "hostname", "remark": "varchar(20)"}
    note = Column(Text, info={"anonymize": {"kind": "text", "meaning": "note"}})
    remark = Column("re`mark", String(5))

class Org(Base):
    __tablename__ = "orgs"
    __table_args__ = {"schema": "main"}
    id = Column(BigInteger, primary_key=True, autoincrement=False)

class User(Noted, Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("role", "name"), {"mysql_charset": "latin1"})
    id = Column(Integer, primary_key=True, info={"anonymize": "integer"})
    name = Column(String(50), nullable=False, info={"label": "Name"})
    mail = Column(Unknown, unique=True, index=True, info={"anonymize": "email"})
    lower = Column(Shout, Computed("lower(name)"))
    role = Column(Enum("a", "it's 100%", "\\\\"))
    org = Column(ForeignKey("main.orgs.id"))

plain = MetaData()
logs = Table("logs", plain, Column("text", Text, info={"anonymize": "null"}))
"""

NEW_STYLE = """
from typing import Annotated, Optional
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Mail = Annotated[str, mapped_column(String(90), info={"anonymize": "email"})]

class Base(DeclarativeBase):
    pass

class Person:
    name: Mapped[Optional[str]] = mapped_column(String(9), info={"anonymize": "text"})

class User(Person, Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    mail: Mapped[Mail]
    other: Mapped[Mail] = mapped_column("other_mail", unique=True)

class Login(Base):
    __tablename__ = "logins"
    id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
"""


OLD = replace(interpreters.OLD, packages=("SQLAlchemy==1.4.54",))
NEW = replace(interpreters.NEW, packages=("SQLAlchemy>=2",))


def models(store: Path, interpreter: interpreters.Interpreter, folder: Path, text: str, name: str = "Base") -> Models:
    python = interpreters.built(interpreter, store / "interpreters")
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop" / "models.py").write_text(text)
    return read(f"shop.models:{name}", small_kinds, python=str(python), folder=folder)


@pytest.mark.parametrize("interpreter", [OLD, NEW], ids=lambda one: str(one.version))
def test_declarative_models_tell_their_markup_and_their_tables(
    store: Path, tmp_path: Path, interpreter: interpreters.Interpreter
) -> None:
    found = models(store, interpreter, tmp_path, OLD_STYLE)
    assert {
        column: (rule.kind, dict(rule.options), rule.place)
        for column, rule in found.markup.tables["users"].columns.items()
    } == {
        "note": ("text", {"meaning": "note"}, "shop.models:User.note"),
        "re`mark": ("text", {}, "shop.models:Noted.__confidential__"),
        "id": ("integer", {}, "shop.models:User.id"),
        "mail": ("email", {}, "shop.models:User.mail"),
    }
    assert list(found.markup.tables) == ["users"]
    users = found.schema.tables["users"]
    assert {column.name: column for column in users.columns} == {
        "id": Column("id", "int", nullable=False),
        "name": Column("name", "varchar", 50, nullable=False, charset="latin1"),
        "mail": Column("mail", "varchar", charset="latin1"),
        "lower": Column("lower", "varchar", 7, charset="latin1", generated="lower(name)"),
        "role": Column("role", "enum", charset="latin1", members=("a", "it's 100%", "\\")),
        "org": Column("org", "bigint"),
        "note": Column("note", "text", 0xFFFF, charset="latin1"),
        "re`mark": Column("re`mark", "varchar", 5, charset="latin1"),
    }
    assert set(users.unique) == {("id",), ("role", "name"), ("mail",)}
    assert users.foreign_keys == (ForeignKey(("org",), "orgs", ("id",), "main"),)
    assert found.schema.tables["main.orgs"].database == "main"


def test_a_registry_and_a_metadata_are_models_too(store: Path, tmp_path: Path) -> None:
    found = models(store, OLD, tmp_path, OLD_STYLE, "mapping")
    assert found.markup.tables["users"].columns["mail"].place == "shop.models:User.mail"
    found = models(store, OLD, tmp_path, OLD_STYLE, "plain")
    assert found.markup.tables["logs"].columns["text"].place == "shop.models:logs.text"


def test_annotated_types_and_mixins_hand_their_markup_on(store: Path, tmp_path: Path) -> None:
    found = models(store, NEW, tmp_path, NEW_STYLE)
    assert {name: rule.kind for name, rule in found.markup.tables["users"].columns.items()} == {
        "mail": "email",
        "other_mail": "email",
        "name": "text",
    }
    assert found.schema.tables["logins"].foreign_keys == (ForeignKey(("id",), "users", ("id",)),)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("import nowhere", "Base", r"cannot be imported: ModuleNotFoundError: No module named 'nowhere' \(at .*py:1\)"),
        ("x = 1", "x", r"cannot be imported: TypeError: shop.models:x is neither a declarative base"),
        ("x = 1", "y", r"cannot be imported: AttributeError: module 'shop.models' has no attribute 'y'"),
        (OLD_STYLE.replace('"null"', "print"), "plain", r"what shop.models:logs.text says of text is no text, number"),
        (OLD_STYLE.replace('"null"', '"nul"'), "plain", r"shop.models:logs.text: there is no kind 'nul'"),
    ],
)
def test_what_cannot_be_imported_or_understood_is_told_with_its_place(
    store: Path, tmp_path: Path, text: str, name: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        models(store, OLD, tmp_path, text, name)
