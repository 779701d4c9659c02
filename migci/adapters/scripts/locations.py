"""Where alembic finds a project's scripts, as its settings say it."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from migci.adapters.scripts.trees import normal
from migci.errors import UsageError
from migci.ports import EntryKind, Files, NoMigrations

# alembic makes absolute paths of "%(here)s", and there is no such path in a commit; nobody's folder is called so.
_PROJECT = "/\N{REPLACEMENT CHARACTER}project"
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_HINT = 'name the folders of the scripts in migci.toml: [project.versions] folders = ["…"]'


@dataclass(frozen=True)
class Locations:
    """The folders that scripts lie in, relative to the project, and whether also in those below them."""

    folders: tuple[str, ...]
    below: bool = False


def locations(files: Files, settings: str) -> Locations:
    """Where the scripts are, by an ini file or by `[tool.alembic]` of a pyproject.toml.

    Raises NoMigrations when there are no such settings, UsageError when they cannot be understood.
    """
    said = _Said(files, settings)
    script_location = said.text("script_location")
    home = _found(files, said, script_location or ".", marked=True)
    listed = said.several("version_locations")
    below = said.flag("recursive_version_locations")
    if not listed:
        return Locations((normal(f"{home}/versions"),), below)
    return Locations(tuple(dict.fromkeys(_found(files, said, one) for one in listed)), below)


class _Said:
    """What the settings say: the ini file first, else pyproject.toml."""

    def __init__(self, files: Files, settings: str) -> None:
        self.settings = normal(settings)
        self.home = PurePosixPath(self.settings).parent.as_posix()
        (content,) = files.read([self.settings])
        if content is None:
            raise NoMigrations(
                f"{files.name} has no {self.settings}", hint="name alembic's ini file, relative to the project"
            )
        self._ini: Mapping[str, str] = {}
        self._toml: Mapping[str, object] = {}
        if self.settings.endswith(".toml"):
            self._toml = _tool(content, self.settings, self.home)
        else:
            self._ini = _section(content, self.settings, self.home)
            for place in dict.fromkeys((normal(f"{self.home}/pyproject.toml"), "pyproject.toml")):
                (beside,) = files.read([place])
                if beside is not None and "script_location" not in self._ini and not self._toml:
                    self._toml = _tool(beside, place, PurePosixPath(place).parent.as_posix())

    def text(self, name: str) -> str:
        value = self._ini.get(name, self._toml.get(name, ""))
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        return self._ini[name] == "true" if name in self._ini else self._toml.get(name) is True

    def several(self, name: str) -> list[str]:
        if text := self._ini.get(name):
            named = self._ini.get("path_separator", self._ini.get("version_path_separator"))
            if named is None:
                return [one for one in re.split(r", *| +|\n", text) if one]
            if named not in _SEPARATORS:
                raise UsageError(
                    f"{self.settings}: path_separator is {named!r}", hint=f"it is one of {', '.join(_SEPARATORS)}"
                )
            return [one.strip() for one in text.split(_SEPARATORS[named]) if one.strip()]
        value = self._toml.get(name, [])
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    def roots(self) -> list[str]:
        """Where imports begin."""
        said = self.text("prepend_sys_path")
        own = re.split(r", *| +|:|;|\n", said) if said else self.several("prepend_sys_path")
        inside = [_inside(one) for one in own]
        return list(dict.fromkeys([one for one in inside if one is not None] + ["", "src", self.home]))


def _section(content: bytes, settings: str, home: str) -> Mapping[str, str]:
    parser = configparser.ConfigParser(defaults={"here": _here(home)}, strict=False)
    try:
        parser.read_string(content.decode("utf-8-sig"))
        if not parser.has_section("alembic"):
            raise UsageError(f"{settings} has no section [alembic]", hint=_HINT)
        wanted = (
            "script_location", "version_locations", "path_separator", "version_path_separator", "prepend_sys_path",
            "recursive_version_locations",
        )  # fmt: skip
        return {name: parser["alembic"][name] for name in wanted if name in parser["alembic"]}
    except (configparser.Error, UnicodeDecodeError, ValueError) as error:
        said = " ".join(str(error).split())
        raise UsageError(f"{settings} cannot be read: {said}", hint=_HINT) from error


def _tool(content: bytes, settings: str, home: str) -> Mapping[str, object]:
    try:
        tool = tomllib.loads(content.decode()).get("tool", {}).get("alembic", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{settings} cannot be read: {error}", hint=_HINT) from error

    def filled(value: object) -> object:
        if isinstance(value, list):
            return [filled(one) for one in value]
        return value.replace("%(here)s", _here(home)).replace("%%", "%") if isinstance(value, str) else value

    return {name: filled(value) for name, value in tool.items()} if isinstance(tool, dict) else {}


def _here(home: str) -> str:
    return f"{_PROJECT}/{home}" if home not in ("", ".") else _PROJECT


def _inside(said: str) -> str | None:
    """The path relative to the project; `None` for one that leads out of it."""
    if said == _PROJECT or said.startswith(f"{_PROJECT}/"):
        said = said[len(_PROJECT) :].lstrip("/")
    elif said.startswith("/"):
        return None
    path = normal(said)
    return None if path.startswith("..") else path


def _found(files: Files, said: _Said, location: str, *, marked: bool = False) -> str:
    """The folder that `location` means: alembic takes it from where it is called, which mostly is the project."""
    if ":" in location and not location.startswith("/"):
        package, _, rest = location.partition(":")
        stem = f"{package.replace('.', '/')}/{rest.replace(':', '/')}"
        places = [normal(f"{root}/{stem}") for root in said.roots()]
    else:
        path = _inside(location)
        if path is None:
            raise UsageError(f"{said.settings}: {_shown(location)} lies outside of the project", hint=_HINT)
        places = list(dict.fromkeys([path, normal(f"{said.home}/{path}")]))
    folders = [place for place in places if files.kind(place) in (EntryKind.FOLDER, EntryKind.LINK)]
    if marked:
        folders = [one for one in folders if files.kind(f"{one}/env.py")] or folders
    return folders[0] if folders else places[0]


def _shown(location: str) -> str:
    return location.replace(_PROJECT, "%(here)s")
