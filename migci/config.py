"""migci.toml, read into frozen settings; every mistake in it is named with its place."""

from __future__ import annotations

import difflib
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from migci.adapters import markup
from migci.core.dataset import EMPTY, Contents, Dataset, Excuse, Limits
from migci.core.markup import Markup
from migci.errors import UsageError
from migci.replay import Project
from migci.route import Hook, Release

FILE_NAME = "migci.toml"

_LONGEST_BYTES = 1 << 20

Positive = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    """A table of the file: what it does not know is a mistake, and types are taken at their word."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EnvironmentTable(_Table):
    python: str | None = None
    requirements: list[str] = []
    variables: dict[str, str] = {}
    files: dict[str, str] = {}
    path: list[str] = [".", "src"]


class AlembicTable(_Table):
    x: list[str] = []
    env: Literal["project", "neutral"] = "project"


class AfterTable(_Table):
    command: str | list[str]


class VersionsTable(_Table):
    branches: list[str] = []
    folders: list[str] = []
    tests: str | None = None


class ReleaseTable(_Table):
    name: str
    until: str
    ref: str | None = None
    after: str | AfterTable | None = None


class ProjectTable(_Table):
    name: str
    tool: Literal["alembic", "sqlalchemy-migrate", "command"]
    migrations: str
    trunk: str
    models: Annotated[str, Field(pattern=r"^[\w.]+:[\w.]+$")] | None = None
    command: str | list[str] | None = None
    version_table: str | None = None
    environment: EnvironmentTable = EnvironmentTable()
    alembic: AlembicTable = AlembicTable()
    versions: VersionsTable = VersionsTable()
    releases: list[ReleaseTable] = []


class StoreTable(_Table):
    folder: str | None = None
    limit: str | Annotated[int, Field(ge=0)] = "50GB"


class SandboxTable(_Table):
    visible: list[str] = []
    memory: str = "4GB"
    temporary: str = "1GB"
    processes: Annotated[int, Field(gt=0)] = 256


class ServerTable(_Table):
    flavor: Literal["mariadb", "mysql", "sqlite"] = "mariadb"
    programs: str | None = None
    options: list[str] = []


class LimitsTable(_Table):
    step_seconds: Positive | None = 60.0
    rows_changed: Annotated[int, Field(ge=0)] | None = None
    blocked_write_seconds: Annotated[float, Field(ge=0)] | None = None
    timeout_seconds: Positive = 3600.0


class ExcuseTable(_Table):
    step: str
    limit: Literal["step_seconds", "rows_changed", "blocked_write_seconds"]
    allow: Annotated[float, Field(ge=0)]
    reason: Annotated[str, Field(min_length=1)]


class DatasetTable(_Table):
    source: str
    revision: str | None = None
    refreshed: str | None = None
    contents: Literal["real", "anonymized", "synthetic"] = "real"
    markup: str | None = None
    publish_log: bool = False
    limits: LimitsTable = LimitsTable()
    excuse: list[ExcuseTable] = []


class Settings(_Table):
    """The whole file."""

    project: ProjectTable
    server: ServerTable = ServerTable()
    store: StoreTable = StoreTable()
    sandbox: SandboxTable = SandboxTable()
    datasets: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")], DatasetTable]

    def as_project(self) -> Project:
        """The project as the use cases see it."""
        return Project(
            name=self.project.name,
            trunk=self.project.trunk,
            releases=tuple(Release(r.name, r.until, r.ref, _hook(r.after)) for r in self.project.releases),
            branches=tuple(self.project.versions.branches),
            models=self.project.models,
        )

    def as_datasets(
        self, folder: Path, names: tuple[str, ...] = (), text_of: Callable[[str], str] | None = None
    ) -> tuple[Dataset, ...]:
        """The datasets of these names, or all; sources are relative to `folder`.

        `text_of` gives what stands in a file that the settings name, where that is not the one in `folder`.

        Raises UsageError for a name that is not there, and for a source that is missing.
        """
        for name in names:
            if name not in self.datasets:
                raise UsageError(
                    f"there is no dataset {name!r} in {FILE_NAME}",
                    hint=_nearest(name, list(self.datasets)) or f"it has {', '.join(self.datasets) or 'none'}",
                )
        alone = self.project.models is None
        return tuple(
            _dataset(name, self.datasets[name], folder, text_of, alone=alone) for name in names or self.datasets
        )


def nearest(folder: Path) -> Path:
    """The nearest folder with a migci.toml, from `folder` upwards; `folder` itself where there is none."""
    folder = folder.resolve()
    return next((place for place in (folder, *folder.parents) if (place / FILE_NAME).is_file()), folder)


def load(folder: Path) -> Settings:
    """The settings of the project in `folder`. Raises UsageError with every mistake in the file, a line each."""
    path = folder / FILE_NAME
    try:
        if path.exists() and not (path.is_file() and path.stat().st_size <= _LONGEST_BYTES):
            raise UsageError(f"{path} is no file of settings, or longer than {_LONGEST_BYTES >> 10} KB")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"there is no {FILE_NAME} in {folder}", hint="'migci init' writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Settings:
    """The settings in `text`; `path` is what it is called in the UsageError for its mistakes."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        mistakes = "\n  ".join(_mistake(dict(one)) for one in error.errors())
        raise UsageError(f"{path}:\n  {mistakes}") from None
    if settings.project.tool == "command" and not settings.project.command:
        raise UsageError(
            f'{path}: [project] tool = "command" needs a command',
            hint='such as command = "nova-manage db sync --version {revision}"',
        )
    if settings.project.tool != "command" and settings.project.command:
        raise UsageError(f'{path}: [project] command is only for tool = "command"')
    bytes_of(settings.store.limit, "[store] limit")
    bytes_of(settings.sandbox.memory, "[sandbox] memory")
    bytes_of(settings.sandbox.temporary, "[sandbox] temporary")
    for word in re.findall(r"{(\w+)}", " ".join(arguments(settings.project.command or []))):
        if word not in _PLACEHOLDERS:
            hint = _nearest(word, list(_PLACEHOLDERS)) or f"known: {', '.join(_PLACEHOLDERS)}"
            raise UsageError(f"{path}: [project] command: there is no placeholder {{{word}}}", hint=hint)
    return settings


def with_dataset(settings: Settings, name: str, entry: dict[str, str]) -> Settings:
    """`settings` with one more dataset. Raises UsageError when its name or its entry is not allowed."""
    try:
        return Settings.model_validate(
            {**settings.model_dump(), "datasets": {**settings.model_dump()["datasets"], name: entry}}
        )
    except ValidationError as error:
        raise UsageError("; ".join(_mistake(dict(one)) for one in error.errors())) from None


_UNITS = {"": 1, "K": 10, "M": 20, "G": 30, "T": 40}


def bytes_of(size: str | int, what: str) -> int:
    """A size such as "50GB" or "1.5T" in bytes, with units of 1024. `what` names it in the UsageError."""
    if isinstance(size, int):
        return size
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", size, re.IGNORECASE)
    if match is None:
        raise UsageError(f"{what}: {size!r} is not a size", hint='a number and a unit, such as "50GB"')
    unit = match.group(2).upper()
    return int(float(match.group(1)) * (2 ** _UNITS[unit] if unit else 1))


_PLACEHOLDERS = ("revision", "file", "url", "files")


def arguments(command: str | list[str]) -> tuple[str, ...]:
    """A command as arguments; a string is split as a shell would, and no shell is started. Raises UsageError."""
    try:
        return tuple(shlex.split(command) if isinstance(command, str) else command)
    except ValueError as error:
        raise UsageError(f"the command {command!r} in {FILE_NAME} cannot be split into words: {error}") from None


def _hook(after: str | AfterTable | None) -> Hook | None:
    if after is None or isinstance(after, str):
        return None if after is None else Hook(file=after)
    return Hook(command=arguments(after.command))


def _dataset(
    name: str, table: DatasetTable, folder: Path, text_of: Callable[[str], str] | None, *, alone: bool
) -> Dataset:
    source = located(table.source, folder)
    if source != EMPTY and "://" not in source and not Path(source).exists():
        raise UsageError(
            f"[datasets.{name}] source: there is no file or folder {source}",
            hint=f'a path relative to {FILE_NAME}, a URL, or "empty"',
        )
    return Dataset(
        name=name,
        source=source,
        revision=table.revision,
        refreshed=table.refreshed,
        contents=Contents.SYNTHETIC if source == EMPTY else Contents(table.contents),
        markup=None if table.markup is None else _markup(table.markup, folder, text_of, alone=alone),
        publish_log=table.publish_log,
        limits=Limits(**table.limits.model_dump()),
        excuses=tuple(Excuse(**excuse.model_dump()) for excuse in table.excuse),
    )


def _markup(name: str, folder: Path, text_of: Callable[[str], str] | None, *, alone: bool) -> Markup:
    if text_of is not None and not Path(name).expanduser().is_absolute():
        return markup.read(text_of(name), name, alone=alone)
    file = Path(located(name, folder))
    try:
        return markup.read(file.read_text(encoding="utf-8"), name, alone=alone)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the markup {file} cannot be read: {error}") from error


def located(source: str, folder: Path) -> str:
    """A dataset's source as the store wants it: an absolute path, a URL, or `EMPTY`."""
    if source == EMPTY or "://" in source:
        return source
    place = folder / Path(source).expanduser()
    for path in (place, *place.parents):
        if path.is_relative_to(folder) and path != folder and path.is_symlink():
            raise UsageError(
                f"{source} leads out of its place by the link {path}, which a patch may have made",
                hint="name what it leads to, by its absolute path",
            )
    return str(place.resolve())


def _mistake(error: dict[str, Any]) -> str:
    """One mistake as a sentence that begins with its place."""
    *where, last = [str(part) for part in error["loc"]] or [""]
    place = ".".join([*where, last])
    if error["type"] == "extra_forbidden":
        known = _known(where)
        hint = _nearest(last, known) or f"known here: {', '.join(known)}"
        return f"{place}: there is no such key; {hint}"
    if error["type"] == "missing":
        return f"{place}: is missing"
    if error["type"] == "string_pattern_mismatch" and last == "[key]":
        what = "begins with a letter or a digit, and has these, '.', '_' and '-' in it, 64 at most"
        return f"{'.'.join(where[:-1])}: {error['input']!r} is no name: a name {what}"
    return f"{place}: {error['msg'][0].lower()}{error['msg'][1:]}, but it is {error['input']!r}"


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else ""


_TABLES: dict[tuple[str, ...], type[_Table]] = {
    (): Settings,
    ("project",): ProjectTable,
    ("project", "environment"): EnvironmentTable,
    ("project", "alembic"): AlembicTable,
    ("project", "versions"): VersionsTable,
    ("project", "releases", "*"): ReleaseTable,
    ("project", "releases", "*", "after", "AfterTable"): AfterTable,
    ("server",): ServerTable,
    ("store",): StoreTable,
    ("sandbox",): SandboxTable,
    ("datasets", "*"): DatasetTable,
    ("datasets", "*", "limits"): LimitsTable,
    ("datasets", "*", "excuse", "*"): ExcuseTable,
}


def _known(where: list[str]) -> list[str]:
    """The keys that the table at `where` may have."""
    for pattern, table in _TABLES.items():
        if len(pattern) == len(where) and all(p in ("*", w) for p, w in zip(pattern, where, strict=True)):
            return list(table.model_fields)
    return []
