"""`migci versions check` as a person runs it: on real repositories, on real histories, and on what is broken."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uv

from migci.demo import nova, repository
from migci.demo.shop import build
from tests.acceptance.command import migci, state

INI = "[alembic]\nscript_location = migrations\n"
CFG = "[db_settings]\nrepository_id = jobs\nversion_table = migrate_version\n"
SETTINGS = """
[project]
name = "shop"
tool = "alembic"
migrations = "alembic.ini"
trunk = "main"
[datasets.empty]
source = "empty"
"""


@dataclass(frozen=True)
class Checked:
    status: int
    out: str
    err: str

    @property
    def histories(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.out)["histories"]
        return found

    @property
    def findings(self) -> list[str]:
        return [f"{one['severity']} {one['id']}" for each in self.histories for one in each["findings"]]

    @property
    def messages(self) -> list[str]:
        return [one["message"] for each in self.histories for one in each["findings"]]


def check(project: Path, *arguments: str, text: bool = False) -> Checked:
    """What the command says; nothing of the project is other afterwards, and no traceback is shown."""
    before = {path: path.lstat().st_mtime_ns for path in project.rglob("*") if ".git" not in path.parts}
    form = () if text else ("--format", "json")
    with migci("versions", "check", "--project", str(project), *form, *arguments) as process:
        out, err = process.communicate()
    assert "Traceback" not in err
    assert {path: path.lstat().st_mtime_ns for path in project.rglob("*") if ".git" not in path.parts} == before
    return Checked(process.returncode, out, err)


def alembic(id: str, parent: str | None) -> str:
    return f'"""{id}"""\n\nrevision = {id!r}\ndown_revision = {parent!r}\n\n\ndef upgrade():\n    pass\n'


def write(project: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit(project: Path) -> None:
    repository.commit(project, "a change", "2026-01-05T12:00:00+00:00")


def git(project: Path, *arguments: str) -> int:
    """git, as the user runs it; returns its status."""
    command = ["git", "-C", str(project), "-c", "user.name=A", "-c", "user.email=a@migci.invalid", *arguments]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true"}
    return subprocess.run(command, env=environment, capture_output=True).returncode


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two revisions on `main`; `patch` is checked out, and there is no settings file."""
    project = tmp_path / "shop"
    project.mkdir()
    repository.begin(project, "main")
    write(
        project,
        {
            "alembic.ini": INI,
            "migrations/env.py": "",
            "migrations/versions/a.py": alembic("a", None),
            "migrations/versions/b.py": alembic("b", "a"),
        },
    )
    commit(project)
    repository.git(project, "checkout", "--quiet", "-b", "patch")
    return project


def test_the_guides_example_is_what_is_printed(tmp_path: Path) -> None:
    build(tmp_path / "shop", flavor="sqlite", trait="second-head")
    before = state(tmp_path / "shop")
    said = check(tmp_path / "shop", text=True)
    assert said.status == 1
    guide = (Path(__file__).parents[2] / "docs" / "versions.md").read_text()
    assert f"```\n$ migci versions check\n{said.out}```\n" in guide
    assert state(tmp_path / "shop") == before


def test_any_ref_is_read_without_a_checkout(shop: Path) -> None:
    write(shop, {"migrations/versions/c.py": alembic("c", "a")})
    commit(shop)
    repository.git(shop, "checkout", "--quiet", "main")
    before = state(shop)
    assert check(shop).status == 0
    said = check(shop, "patch")
    assert (said.status, said.findings) == (1, ["error MC008"])
    assert check(shop, "patch", "--trunk", "patch~1").messages == ["with the patch the history has 2 heads: b, c"]
    assert check(shop, "main", "--trunk", "patch").status == 0
    assert state(shop) == before


def test_the_working_tree_is_read_as_it_lies_on_disk(shop: Path) -> None:
    write(shop, {"migrations/versions/c.py": alembic("c", "nowhere")})
    assert check(shop).messages == ["revision c follows nowhere, which is not there: migrations/versions/c.py"]
    assert check(shop, "HEAD").status == 0
    write(shop, {"migrations/versions/c.py": alembic("c", "b")})
    assert check(shop).status == 0


def test_a_patch_that_is_behind_is_told_before_it_is_merged_and_while(shop: Path) -> None:
    write(shop, {"migrations/versions/mine.py": alembic("mine", "b")})
    commit(shop)
    repository.git(shop, "checkout", "--quiet", "main")
    write(shop, {"migrations/versions/theirs.py": alembic("theirs", "b")})
    commit(shop)
    repository.git(shop, "checkout", "--quiet", "patch")
    assert check(shop).messages == ["revision mine follows b, and trunk's newest is theirs"]
    assert git(shop, "merge", "--no-commit", "main") == 0
    assert check(shop).messages == ["with the patch the history has 2 heads: mine, theirs"]
    write(shop, {"migrations/versions/mine.py": alembic("mine", "theirs")})
    assert check(shop).status == 0


def test_a_rebase_that_stopped_at_a_conflict_in_the_list_is_read(shop: Path) -> None:
    place = "migrations/versions/versions.json"
    for branch, mine in (("main", "theirs"), ("patch", "mine")):
        repository.git(shop, "checkout", "--quiet", branch)
        write(shop, {f"migrations/versions/{mine}.py": alembic(mine, "b"), place: f'[\n"a",\n"b",\n"{mine}"\n]\n'})
        commit(shop)
    assert git(shop, "rebase", "main") != 0
    said = check(shop)
    assert said.status == 1
    assert f"{place} holds a conflict of git's" in said.messages
    hints = {one["hint"] for one in said.histories[0]["findings"] if one["id"] == "MC012"}
    assert hints == {"migci versions rebase"}


def test_what_trunk_has_itself_is_told_and_does_not_count(shop: Path) -> None:
    repository.git(shop, "checkout", "--quiet", "main")
    write(shop, {"migrations/versions/x.py": alembic("x", "lost")})
    commit(shop)
    repository.git(shop, "checkout", "--quiet", "-b", "more")
    write(shop, {"migrations/versions/c.py": alembic("c", "b")})
    said = check(shop)
    assert (said.status, said.findings) == (0, ["warning MC010"])
    assert said.messages == ["trunk itself: revision x follows lost, which is not there: migrations/versions/x.py"]
    alone = check(shop, "main")
    assert (alone.status, alone.findings) == (1, ["error MC010"])


def test_two_repositories_in_one_project_are_two_histories(shop: Path) -> None:
    write(shop, {"jobs/migrate.cfg": CFG, "jobs/versions/001_a.py": "", "jobs/versions/003_c.py": ""})
    said = check(shop)
    assert [(one["folders"], one["kind"]) for one in said.histories] == [
        (["migrations/versions"], "alembic"),
        (["jobs/versions"], "numbered"),
    ]
    assert (said.status, said.findings) == (1, ["error MC010"])
    only = check(shop, "--migrations", "alembic.ini")
    assert (only.status, len(only.histories)) == (0, 1)
    both = check(shop, "--migrations", "jobs", "--migrations", "migrations")
    assert [one["kind"] for one in both.histories] == ["numbered", "alembic"]


def test_a_patch_that_begins_a_history_is_compared_with_nothing(shop: Path) -> None:
    write(shop, {"jobs/migrate.cfg": CFG, "jobs/versions/001_a.py": "", "jobs/versions/002_b.py": ""})
    assert check(shop).status == 0


def test_the_settings_say_which_branches_are_wanted_and_where_scripts_are(shop: Path) -> None:
    shutil.rmtree(shop / "migrations" / "versions")
    versions = "\n[project.versions]\nbranches = ['expand', 'contract']\nfolders = ['db']\n"
    write(
        shop,
        {
            "migci.toml": SETTINGS + versions,
            "db/a.py": alembic("a", None),
            "db/expand/e.py": alembic("e", "a"),
            "db/contract/c.py": alembic("c", "a"),
        },
    )
    said = check(shop)
    assert (said.status, said.histories[0]["folders"]) == (0, ["db"])
    write(shop, {"migci.toml": SETTINGS + versions.replace("'expand', ", "")})
    assert check(shop).status == 0
    write(shop, {"migci.toml": SETTINGS + versions.replace("'expand', 'contract'", "")})
    assert check(shop).findings == ["error MC008"]


def test_the_settings_of_another_commit_are_not_what_the_patch_made_of_them(shop: Path) -> None:
    repository.git(shop, "checkout", "--quiet", "main")
    write(shop, {"migci.toml": SETTINGS})
    commit(shop)
    lenient = SETTINGS + "\n[project.versions]\nbranches = ['loose']\n"
    repository.git(shop, "checkout", "--quiet", "-b", "other", "main")
    forked = alembic("d", "b") + "branch_labels = ('loose',)\n"
    more = {"migrations/versions/d.py": forked, "migrations/versions/e.py": alembic("e", "b")}
    write(shop, {"migci.toml": lenient, **more})
    commit(shop)
    assert check(shop, "other").status == 0
    assert check(shop, "other", "--settings", "main").findings == ["error MC008", "warning MC016"]
    assert check(shop, "--settings", "main").findings == ["error MC008", "warning MC016"]
    (shop / "migci.toml").unlink()
    assert check(shop, "other", "--settings", "main").findings == ["error MC008", "warning MC016"]
    none = check(shop, "other", "--settings", "main~1")
    assert (none.status, none.out) == (2, "")
    assert "there is no migci.toml in 'main~1'" in none.err


def test_open_changes_are_compared_by_the_settings_of_another_commit(shop: Path) -> None:
    repository.git(shop, "checkout", "--quiet", "main")
    write(shop, {"migci.toml": SETTINGS})
    commit(shop)
    for name in ("one", "two"):
        repository.git(shop, "checkout", "--quiet", "-b", name, "main")
        write(shop, {f"migrations/versions/{name}.py": alembic(name, "b")})
        commit(shop)
    write(shop, {"migci.toml": SETTINGS.replace('"main"', '"gone"')})
    assert check(shop, "one", "two").status == 2
    assert check(shop, "one", "two", "--settings", "main").findings == ["warning MC019"]


def test_without_settings_a_refs_repositories_are_found_in_it(shop: Path) -> None:
    write(
        shop, {"jobs/migrate.cfg": CFG, "jobs/versions/001_a.py": "", "venv/lib/alembic.ini": INI, "x/alembic.ini": ""}
    )
    commit(shop)
    repository.git(shop, "checkout", "--quiet", "--orphan", "bare")
    repository.git(shop, "rm", "-rfq", ".")
    write(shop, {"README": ""})
    commit(shop)
    said = check(shop, "patch", "--trunk", "main")
    assert [one["folders"] for one in said.histories] == [["migrations/versions"], ["jobs/versions"]]
    assert "no alembic.ini and no migrate.cfg is found in bare" in check(shop, "bare", "--trunk", "main").err


def test_from_a_folder_of_the_project_its_migrations_are_found(shop: Path) -> None:
    (shop / "api" / "deep").mkdir(parents=True)
    assert [one["folders"] for one in check(shop / "api" / "deep").histories] == [["migrations/versions"]]
    assert check(shop / "migrations" / "versions").status == 0
    assert check(shop / "migrations", "patch", "--trunk", "main").status == 0
    write(shop, {"api/migrate.cfg": CFG, "api/versions/001_a.py": ""})
    assert [one["folders"] for one in check(shop / "api" / "deep").histories] == [["versions"]]
    shutil.rmtree(shop / "api")
    shutil.rmtree(shop / ".git")
    assert "no alembic.ini and no migrate.cfg is found" in check(shop / "migrations").err


def test_a_list_in_conflict_is_no_history_without_migrations(shop: Path) -> None:
    torn = '{\n<<<<<<< HEAD\n "2": ["b.py"]\n=======\n "2": ["c.py"]\n>>>>>>> mine\n}\n'
    write(shop, {"jobs/migrate.cfg": CFG, "jobs/versions/a.py": "", "jobs/versions/versions.json": torn})
    commit(shop)
    said = check(shop, "--migrations", "jobs", text=True)
    assert "jobs/versions: how many migrations there are is not known\n" in said.out
    compared = check(shop, "patch", "main", "--migrations", "jobs")
    assert (compared.status, compared.out) == (2, "")
    assert "patch: jobs/versions/versions.json holds a conflict of git's" in compared.err


def test_without_git_the_folder_is_looked_at_alone(shop: Path) -> None:
    shutil.rmtree(shop / ".git")
    assert check(shop).status == 0
    write(shop, {"migrations/versions/c.py": alembic("c", "a")})
    assert check(shop).messages == ["the history has 2 heads: b, c"]


def test_a_repository_without_a_commit_is_looked_at_alone(shop: Path) -> None:
    shutil.rmtree(shop / ".git")
    repository.begin(shop, "main")
    assert check(shop).status == 0
    assert check(shop, "--trunk", "main").status == 2


def test_a_shallow_clone_that_lacks_the_common_ancestor_is_usage(shop: Path, tmp_path: Path) -> None:
    for branch, mine in (("main", "theirs"), ("patch", "mine")):
        repository.git(shop, "checkout", "--quiet", branch)
        write(shop, {f"migrations/versions/{mine}.py": alembic(mine, "b")})
        commit(shop)
    clone = tmp_path / "clone"
    assert git(tmp_path, "clone", "--depth=1", "--no-single-branch", f"file://{shop}", str(clone)) == 0
    said = check(clone, "--trunk", "origin/main")
    assert said.status == 2
    assert "this is a shallow clone: git fetch --unshallow" in said.err
    assert git(clone, "fetch", "--unshallow") == 0
    assert check(clone, "--trunk", "origin/main").findings == ["error MC018"]


def test_alembics_settings_in_pyproject_are_found(shop: Path) -> None:
    (shop / "alembic.ini").unlink()
    write(shop, {"pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/migrations"\n'})
    assert [one["migrations"] for one in check(shop).histories] == [2]


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        ({}, ["nowhere"], "there is no commit 'nowhere'"),
        ({}, ["--trunk", "nowhere"], "there is no commit 'nowhere'"),
        ({}, ["--migrations", "nowhere"], "working tree has no nowhere"),
        ({"alembic.ini": "[alembic]\nscript_location = /x\n"}, [], "alembic.ini: /x lies outside of the project"),
        ({"alembic.ini": "[alembic]\nscript_location = gone\n"}, [], "working tree has no folder gone/versions"),
        ({"migci.toml": "["}, [], "migci.toml is not TOML"),
        (
            {"migci.toml": SETTINGS.replace('"alembic"', '"command"\ncommand = "true"')},
            [],
            'a history of tool = "command" is not read by migci versions',
        ),
        ({"migci.toml": f"{SETTINGS}[project.versions]\nbranch = []\n"}, [], "did you mean 'branches'?"),
    ],
)
def test_what_cannot_be_looked_at_is_usage(shop: Path, files: dict[str, str], arguments: list[str], said: str) -> None:
    write(shop, files)
    found = check(shop, *arguments)
    assert found.status == 2
    assert said in found.err
    assert found.out == ""


def test_a_folder_without_migrations_is_usage_with_what_to_do(tmp_path: Path) -> None:
    found = check(tmp_path)
    assert found.status == 2
    assert "no alembic.ini and no migrate.cfg is found" in found.err
    assert "hint: name where the migrations are with --migrations" in found.err


def test_whatever_lies_among_the_scripts_there_are_findings_and_no_traceback(shop: Path) -> None:
    versions = shop / "migrations" / "versions"
    write(
        versions,
        {
            "c.py": alembic("c", "b").replace("'c'", "f'{1}'"),
            "d.py": "revision = 'd'\ndown_revision = 'b'\ndef upgrade(:\n",
            "e.py": b"\xff\xfe\0",
            "crlf.py": alembic("crlf", "d").replace("\n", "\r\n"),
            "bom.py": b"\xef\xbb\xbf" + alembic("bom", "crlf").encode(),
            os.fsdecode(b"caf\xe9.py"): "x\x1b[31m = ",
            "versions.json": '{"1": ["a.py"], "1": ["b.py"]',
        },
    )
    (versions / "folder.py").mkdir()
    (versions / "link.py").symlink_to("a.py")
    (versions / "circle.py").symlink_to("circle.py")
    os.mkfifo(versions / "pipe.py")
    said = check(shop)
    assert said.status == 1
    assert {one["file"] for one in said.histories[0]["findings"] if one["id"] == "MC013"} == {
        f"migrations/versions/{name}.py" for name in ("c", "d", "e", "caf\udce9", "folder", "link", "circle", "pipe")
    }
    assert set(said.findings) == {"error MC012", "error MC013"}
    text = check(shop, text=True)
    assert text.status == 1
    assert "\x1b" not in text.out


def test_ten_thousand_scripts_are_no_trouble(shop: Path) -> None:
    ids = ["b", *(f"r{number}" for number in range(10_000))]
    write(
        shop / "migrations" / "versions",
        {f"{id}.py": alembic(id, parent) for parent, id in itertools.pairwise(ids)},
    )
    commit(shop)
    for arguments in ((), ("HEAD",)):
        said = check(shop, *arguments)
        assert (said.status, said.histories[0]["migrations"]) == (0, 10_002)
    for id in ids[1:5000]:
        write(shop, {f"migrations/versions/{id}.py": alembic(id, "b")})
    text = check(shop, text=True)
    assert text.status == 1
    assert "with the patch the history has 4999 heads: " in text.out


# Real histories


def test_mlflows_67_revisions_are_linear_and_a_clash_in_them_is_found(tmp_path: Path) -> None:
    project = tmp_path / "mlflow"
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", str(project)]
    subprocess.run([*command, "--python", sys.executable, "mlflow-skinny==3.17.2"], check=True, capture_output=True)
    repository.begin(project, "main")
    commit(project)
    said = check(project, "--migrations", "mlflow/store/db_migrations/alembic.ini")
    assert (said.status, said.findings, said.histories[0]["migrations"]) == (0, [], 67)
    (newest,) = said.histories[0]["heads"]
    versions = project / "mlflow/store/db_migrations/versions"
    script = next(path for path in versions.glob("*.py") if f'revision = "{newest}"' in path.read_text())
    (versions / "clash.py").write_text(script.read_text().replace(f'revision = "{newest}"', 'revision = "clash"', 1))
    clash = check(project, "--migrations", "mlflow/store/db_migrations/alembic.ini")
    assert clash.findings == ["error MC008"]
    assert clash.messages[0].startswith("with the patch the history has 2 heads: ")


def test_novas_197_numbers_are_linear_and_a_clash_in_them_is_found(tmp_path: Path) -> None:
    cache = Path(os.environ.get("MIGCI_TEST_CACHE") or tmp_path / "cache")
    nova.build(tmp_path / "nova", rows=1000, remedy=True, cache=cache)
    said = check(tmp_path / "nova", "master")
    assert (said.status, said.findings, said.histories[0]["migrations"]) == (0, [], 197)
    patch = check(tmp_path / "nova")
    assert (patch.status, patch.findings, patch.histories[0]["heads"]) == (0, [], ["413"])
    versions = tmp_path / "nova" / "nova/db/sqlalchemy/migrate_repo/versions"
    (versions / "413_add_another.py").write_text("def upgrade(engine):\n    pass\n")
    assert check(tmp_path / "nova").findings == ["error MC009"]
    (versions / "413_add_another.py").rename(versions / "415_add_another.py")
    assert check(tmp_path / "nova").findings == ["error MC010"]
    (versions / "415_add_another.py").rename(versions / "215_add_another.py")
    assert check(tmp_path / "nova").findings == ["error MC003"]
