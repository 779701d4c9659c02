"""migci.toml: what is left out has a default, and every mistake is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from migci.config import arguments, bytes_of, load
from migci.core.dataset import Contents, Dataset, Excuse, Limits
from migci.errors import UsageError
from migci.replay import Project
from migci.route import Hook, Release

SMALLEST = """
[project]
name = "shop"
tool = "alembic"
migrations = "alembic.ini"
trunk = "main"
[datasets.empty]
source = "empty"
"""

WHOLE = """
[project]
name = "nova"
tool = "sqlalchemy-migrate"
migrations = "nova/db/migrate_repo"
trunk = "origin/master"
[project.environment]
python = "python3.8"
requirements = ["-r", "requirements.txt"]
variables = { OS_DB = "{url}" }
files = { "nova.conf" = "connection = {url}" }
path = ["lib"]
[[project.releases]]
name = "grizzly"
until = "161"
ref = "stable/grizzly"
after = "after.sql"
[[project.releases]]
name = "havana"
until = "216"
after = { command = "nova-manage db 'online data'" }
[server]
flavor = "mariadb"
options = ["--innodb-buffer-pool-size=1G"]
[datasets.user_001]
source = "dumps/user.sql.zst"
revision = "133"
refreshed = "f18aee2a"
contents = "anonymized"
[datasets.user_001.limits]
step_seconds = 90
rows_changed = 1_000_000
blocked_write_seconds = 5
timeout_seconds = 600.5
[[datasets.user_001.excuse]]
step = "216->217"
limit = "step_seconds"
allow = 300
reason = "known slow"
[datasets.empty]
source = "empty"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "migci.toml").write_text(text)
    return folder


def mistake(folder: Path, text: str) -> UsageError:
    with pytest.raises(UsageError) as raised:
        load(write(folder, text))
    return raised.value


def mistakes(folder: Path, text: str) -> list[str]:
    head, *lines = mistake(folder, text).message.split("\n  ")
    assert head == f"{folder}/migci.toml:"
    return lines


def test_the_smallest_file_has_all_that_is_needed(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SMALLEST))
    assert settings.as_project() == Project("shop", "main")
    assert settings.as_datasets(tmp_path) == (Dataset("empty"),)
    assert settings.server.flavor == "mariadb"


def test_the_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "user.sql.zst").touch()
    settings = load(write(tmp_path, WHOLE))
    assert settings.as_project() == Project(
        "nova",
        "origin/master",
        (
            Release("grizzly", "161", "stable/grizzly", Hook(file="after.sql")),
            Release("havana", "216", None, Hook(command=("nova-manage", "db", "online data"))),
        ),
    )
    user, empty = settings.as_datasets(tmp_path)
    assert user == Dataset(
        "user_001",
        str(tmp_path / "dumps" / "user.sql.zst"),
        "133",
        "f18aee2a",
        Contents.ANONYMIZED,
        Limits(90, 1_000_000, 5, 600.5),
        (Excuse("216->217", "step_seconds", 300, "known slow"),),
    )
    assert empty == Dataset("empty")
    assert settings.server.options == ["--innodb-buffer-pool-size=1G"]


def test_datasets_come_by_name_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SMALLEST + '[datasets.more]\nsource = "empty"\n'))
    assert [one.name for one in settings.as_datasets(tmp_path)] == ["empty", "more"]
    assert [one.name for one in settings.as_datasets(tmp_path, ("more", "empty"))] == ["more", "empty"]


def test_what_is_not_said_to_be_otherwise_is_real_data(tmp_path: Path) -> None:
    (tmp_path / "user.sql").touch()
    settings = load(write(tmp_path, SMALLEST + '[datasets.user]\nsource = "user.sql"\n'))
    assert settings.as_datasets(tmp_path, ("user",))[0].contents is Contents.REAL


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ('name = "shop"', 'nmae = "shop"', [
            "project.name: is missing",
            "project.nmae: there is no such key; did you mean 'name'?",
        ]),
        ('trunk = "main"', "", ["project.trunk: is missing"]),
        ('trunk = "main"', "trunk = 7", ["project.trunk: input should be a valid string, but it is 7"]),
        ('tool = "alembic"', 'tool = "flyway"', [
            "project.tool: input should be 'alembic', 'sqlalchemy-migrate' or 'command', but it is 'flyway'"
        ]),
        ('trunk = "main"', 'trunk = "main"\nzzz = 1', [
            ("project.zzz: there is no such key; known here: name, tool, migrations, trunk, models, command, "
             "version_table, environment, alembic, versions, releases"),
        ]),
        ('trunk = "main"', 'trunk = "main"\n[project.environment]\npyhton = "x"', [
            "project.environment.pyhton: there is no such key; did you mean 'python'?"
        ]),
        ('trunk = "main"', 'trunk = "main"\n[project.environment]\nrequirements = "x"', [
            "project.environment.requirements: input should be a valid list, but it is 'x'"
        ]),
        ('trunk = "main"', 'trunk = "main"\n[project.alembic]\nenv = "none"', [
            "project.alembic.env: input should be 'project' or 'neutral', but it is 'none'"
        ]),
        ('trunk = "main"', 'trunk = "main"\n[[project.releases]]\nname = "a"\nuntill = "1"', [
            "project.releases.0.until: is missing",
            "project.releases.0.untill: there is no such key; did you mean 'until'?",
        ]),
        ("[datasets.empty]", '[server]\nflavour = "mariadb"\n[datasets.empty]', [
            "server.flavour: there is no such key; did you mean 'flavor'?"
        ]),
        ("[datasets.empty]", '[server]\nflavor = "oracle"\n[datasets.empty]', [
            "server.flavor: input should be 'mariadb', 'mysql' or 'sqlite', but it is 'oracle'"
        ]),
        ("[datasets.empty]", '[sever]\nflavor = "mariadb"\n[datasets.empty]', [
            "sever: there is no such key; did you mean 'server'?"
        ]),
        ('source = "empty"', 'sorce = "empty"', [
            "datasets.empty.source: is missing",
            "datasets.empty.sorce: there is no such key; did you mean 'source'?",
        ]),
        ('source = "empty"', 'source = "empty"\ncontents = "secret"', [
            "datasets.empty.contents: input should be 'real', 'anonymized' or 'synthetic', but it is 'secret'"
        ]),
        ('source = "empty"', 'source = "empty"\nlimits = { step_second = 1 }', [
            "datasets.empty.limits.step_second: there is no such key; did you mean 'step_seconds'?"
        ]),
        ('source = "empty"', 'source = "empty"\nlimits = { step_seconds = 0 }', [
            "datasets.empty.limits.step_seconds: input should be greater than 0, but it is 0"
        ]),
        ('source = "empty"', 'source = "empty"\nlimits = { rows_changed = -1 }', [
            "datasets.empty.limits.rows_changed: input should be greater than or equal to 0, but it is -1"
        ]),
        ('source = "empty"', 'source = "empty"\nlimits = { rows_changed = 1.5 }', [
            "datasets.empty.limits.rows_changed: input should be a valid integer, but it is 1.5"
        ]),
        ('source = "empty"', 'source = "empty"\nexcuse = [{ step = "1->2", limit = "step_seconds", allow = 9 }]', [
            "datasets.empty.excuse.0.reason: is missing"
        ]),
        ('source = "empty"',
         'source = "empty"\nexcuse = [{ step = "1->2", limit = "step_seconds", allow = 9, reason = "" }]', [
            "datasets.empty.excuse.0.reason: string should have at least 1 character, but it is ''"
        ]),
        ('source = "empty"',
         'source = "empty"\nexcuse = [{ step = "1->2", limit = "seconds", allow = 9, reason = "x" }]', [
            ("datasets.empty.excuse.0.limit: input should be 'step_seconds', 'rows_changed' or "
             "'blocked_write_seconds', but it is 'seconds'"),
        ]),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, lines: list[str]) -> None:
    assert mistakes(tmp_path, SMALLEST.replace(old, new)) == lines


@pytest.mark.parametrize("name", ["../up", "a b", "", ".hidden", "x" * 65, "a/b"])
def test_a_dataset_whose_name_is_no_name_for_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    (line,) = mistakes(tmp_path, SMALLEST.replace("[datasets.empty]", f'[datasets."{name}"]'))
    assert line.startswith(f"datasets: {name!r} is no name: a name begins with a letter or a digit")


@pytest.mark.parametrize(("limit", "least"), [("step_seconds", "than"), ("blocked_write_seconds", "than or equal to")])
def test_a_limit_that_is_not_a_number_is_refused(tmp_path: Path, limit: str, least: str) -> None:
    assert mistakes(tmp_path, SMALLEST + f"limits = {{ {limit} = nan }}\n") == [
        f"datasets.empty.limits.{limit}: input should be greater {least} 0, but it is nan"
    ]


def test_a_limit_that_is_infinite_is_none(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SMALLEST + "limits = { step_seconds = inf }\n"))
    assert settings.as_datasets(tmp_path)[0].limits.step_seconds == float("inf")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    assert mistakes(tmp_path, SMALLEST.replace("trunk", "trnk").replace("source", "sorce")) == [
        "project.trunk: is missing",
        "project.trnk: there is no such key; did you mean 'trunk'?",
        "datasets.empty.source: is missing",
        "datasets.empty.sorce: there is no such key; did you mean 'source'?",
    ]


def test_a_file_without_datasets_is_refused(tmp_path: Path) -> None:
    assert mistakes(tmp_path, SMALLEST.partition("[datasets")[0]) == ["datasets: is missing"]


def test_a_missing_file_says_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        load(tmp_path)
    assert raised.value.message == f"there is no migci.toml in {tmp_path}"
    assert raised.value.hint == "'migci init' writes one"


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    message = mistake(tmp_path, "[project\n").message
    assert message.startswith(f"{tmp_path}/migci.toml is not TOML: ")
    assert "line 1" in message


def test_what_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "migci.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=rf"^{tmp_path}/migci\.toml cannot be read: "):
        load(tmp_path)


def test_the_tool_command_needs_a_command(tmp_path: Path) -> None:
    error = mistake(tmp_path, SMALLEST.replace('"alembic"', '"command"'))
    assert error.message == f'{tmp_path}/migci.toml: [project] tool = "command" needs a command'
    assert error.hint == 'such as command = "nova-manage db sync --version {revision}"'


def test_a_command_is_for_the_tool_command_alone(tmp_path: Path) -> None:
    error = mistake(tmp_path, SMALLEST.replace('trunk = "main"', 'trunk = "main"\ncommand = "make"'))
    assert error.message == f'{tmp_path}/migci.toml: [project] command is only for tool = "command"'


def test_a_dataset_that_is_not_in_the_file_is_told_with_the_nearest_that_is(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SMALLEST))
    for name, hint in (("emtpy", "did you mean 'empty'?"), ("zzzzzz", "it has empty")):
        with pytest.raises(UsageError) as raised:
            settings.as_datasets(tmp_path, (name,))
        assert (raised.value.message, raised.value.hint) == (f"there is no dataset {name!r} in migci.toml", hint)


def test_a_source_that_is_not_there_is_told_with_its_path(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SMALLEST.replace('"empty"', '"dumps"')))
    with pytest.raises(UsageError) as raised:
        settings.as_datasets(tmp_path)
    assert raised.value.message == f"[datasets.empty] source: there is no file or folder {tmp_path}/dumps"
    assert raised.value.hint == 'a path relative to migci.toml, a URL, or "empty"'


def test_a_source_may_be_a_folder_or_a_url(tmp_path: Path) -> None:
    (tmp_path / "dumps").mkdir()
    settings = load(write(tmp_path, SMALLEST.replace('"empty"', '"dumps"')))
    assert settings.as_datasets(tmp_path)[0].source == f"{tmp_path}/dumps"
    settings = load(write(tmp_path, SMALLEST.replace('"empty"', '"s3://bucket/dump.sql"')))
    assert settings.as_datasets(tmp_path)[0].source == "s3://bucket/dump.sql"


@pytest.mark.parametrize(
    ("said", "size"), [("50GB", 50 << 30), ("1.5T", 3 << 39), ("300 mib", 300 << 20), ("7", 7), (7, 7), ("2k", 2048)]
)
def test_a_size_has_a_unit_of_1024(said: str | int, size: int) -> None:
    assert bytes_of(said, "[store] limit") == size


def test_a_size_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^\[store\] limit: 'much' is not a size; "):
        load(write(tmp_path, SMALLEST + '[store]\nlimit = "much"\n'))


def test_a_command_is_split_as_a_shell_splits_it() -> None:
    assert arguments("sync --to '{revision} x'") == ("sync", "--to", "{revision} x")
    assert arguments(["sync", "a b"]) == ("sync", "a b")


def test_a_command_whose_quotes_do_not_close_is_a_mistake(tmp_path: Path) -> None:
    text = SMALLEST.replace('"alembic"', '"command"').replace('trunk = "main"', 'trunk = "main"\ncommand = "it\'s"')
    with pytest.raises(UsageError):
        arguments(load(write(tmp_path, text)).project.command or "")
