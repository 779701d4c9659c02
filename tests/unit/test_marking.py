"""What a change lacks of markup: the rule, and what a replay makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from migci.adapters import markup
from migci.core.dataset import Contents, Dataset
from migci.core.finding import Finding, Severity
from migci.core.marking import Look, Said, changed, line_of, unmarked, unmatched
from migci.core.markup import Column, Markup, Modelled
from migci.core.run import Run
from migci.core.step import Cause, Outcome, Stage, Step, StepError
from migci.core.verdict import judge_replay
from migci.ports import HistoryFailed
from tests.fakes import Migration, chain, dump_at
from tests.unit.test_markup import TOLD
from tests.unit.worlds import TRUNK, World, findings, verdicts, world

STEP = Step(Stage.PROPOSED, "2", "3", "versions/3.py", Outcome.APPLIED)
NEXT = Step(Stage.PROPOSED, "3", "4", "versions/4.py", Outcome.APPLIED)
SCRIPT = 'op.add_column("users", sa.Column(\n    "phone", sa.String))\n# the phone\n'
TOML = '[tables.users]\nid = "keep"\nemail = "email"\n'
READ = markup.read(TOML, "m.toml")


def columns(*names: str) -> tuple[Column, ...]:
    return tuple(Column(*name.split(".", 1), text=True) for name in names)  # type: ignore[misc,arg-type]


BEFORE = columns("users.id", "users.email")


def of(after: tuple[Column, ...], said: Markup = READ) -> list[str]:
    return [one.message for one in unmarked((Look(STEP, BEFORE, after),), Said(said), {"versions/3.py": SCRIPT})]


def test_a_new_column_that_nobody_spoke_of_is_an_error_at_its_line_with_what_to_add() -> None:
    looks = (Look(STEP, BEFORE, (*BEFORE, *columns("users.phone"))),)
    assert unmarked(looks, Said(READ), {"versions/3.py": SCRIPT}) == (
        Finding(
            "MC602",
            Severity.ERROR,
            "step 2->3 adds users.phone, and nothing is said of it: the markup must know every column",
            'add this under [tables.users] in m.toml: phone = "keep"; or a kind that replaces it',
            step="2->3",
            file="versions/3.py",
            line=2,
        ),
    )


@pytest.mark.parametrize(
    ("column", "line"),
    [
        ("like", '[tables.users] in m.toml: like = { kind = "keep" }'),
        ("two words", '[tables.users] in m.toml: "two words" = "keep"'),
    ],
)
def test_the_line_to_add_is_toml(column: str, line: str) -> None:
    looks = (Look(STEP, BEFORE, (*BEFORE, Column("users", column, text=True))),)
    (found,) = unmarked(looks, Said(READ), {})
    assert line in found.hint
    assert found.line is None
    markup.read("[tables.users]\n" + line.partition(": ")[2], "m.toml")


def test_a_new_table_of_which_nothing_is_said_is_one_finding() -> None:
    looks = (Look(STEP, BEFORE, (*BEFORE, *columns("visits.id", "visits.address"))),)
    (found,) = unmarked(looks, Said(READ), {"versions/3.py": "create('visits')"})
    assert found.message.startswith("step 2->3 adds the table visits, and nothing is said of its columns")
    assert 'under [tables.visits] in m.toml what it is: id = "keep", address = "keep"' in found.hint
    assert found.line == 1


def test_of_a_new_table_that_the_markup_knows_only_what_is_missing_is_told() -> None:
    said = markup.read(TOML + '[tables.visits]\nid = "keep"\n', "m.toml")
    assert of((*BEFORE, *columns("visits.id", "visits.address")), said=said) == [
        "step 2->3 adds visits.address, and nothing is said of it: the markup must know every column"
    ]


def test_what_refers_to_a_marked_column_and_what_is_computed_needs_no_markup() -> None:
    follows = Column("users", "parent", text=False, refers=(("users", "id"),))
    computed = Column("users", "shown", text=True, generated=True)
    assert of((*BEFORE, follows, computed)) == []


def test_what_trunk_has_without_markup_is_not_the_patchs() -> None:
    trunks = (*BEFORE, *columns("logs.line"))
    assert unmarked((Look(STEP, trunks, trunks),), Said(READ), {}) == ()
    assert not changed((Look(STEP, trunks, trunks),))


def test_what_a_later_step_drops_again_is_nobodys() -> None:
    after = (*BEFORE, *columns("users.phone"))
    looks = (Look(STEP, BEFORE, after), Look(NEXT, after, BEFORE))
    assert changed(looks)
    assert unmarked(looks, Said(READ), {}) == ()


def test_a_column_of_the_models_is_to_be_marked_there() -> None:
    looks = (Look(STEP, BEFORE, (*BEFORE, *columns("users.phone"))),)
    (found,) = unmarked(looks, Said(READ, (Modelled(Column("users", "phone", text=True), "shop.models"),)), {})
    assert found.hint.startswith('give the model\'s column info={"anonymize": "keep"}')


def test_markup_of_what_a_step_drops_is_a_warning_at_its_own_line() -> None:
    looks = (Look(STEP, BEFORE, columns("users.id")),)
    (found,) = unmatched(looks, READ)
    assert (found.id, found.severity, found.file, found.line) == ("MC603", Severity.WARNING, "m.toml", 3)
    assert found.message == "step 2->3 drops users.email, and the markup still speaks of it (m.toml:3)"


def test_a_dropped_table_is_one_warning() -> None:
    logs = columns("logs.line")
    (found,) = unmatched((Look(STEP, BEFORE, logs), Look(NEXT, logs, logs)), READ)
    assert found.message == "step 2->3 drops table users, and the markup still speaks of it (m.toml:1)"


def test_what_is_dropped_and_made_again_is_not_gone() -> None:
    assert unmatched((Look(STEP, BEFORE, ()), Look(NEXT, (), BEFORE)), READ) == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# phone\nColumn('phone')", 2),
        ("telephone\nALTER TABLE users ADD phone text", 2),
        ("ALTER TABLE users ADD `phone` text", 1),
        ("telephone", None),
    ],
)
def test_a_line_is_that_where_the_name_stands_in_quotes_or_else_as_a_word(text: str, line: int | None) -> None:
    assert line_of("phone", text) == line


# In a replay

ADDS = Migration("3", makes="ALTER TABLE users ADD COLUMN phone TEXT")
SECOND = ("1", "2")


def marked_dataset(folder: Path, text: str | None = TOML) -> Dataset:
    source = dump_at(folder, "2")
    with source.open("a") as file:
        file.write("CREATE TABLE users (id INTEGER, email TEXT);\n")
    return Dataset("user_001", str(source), markup=None if text is None else markup.read(text, "m.toml"))


def replayed(here: World, dataset: Dataset, models: str | None = None) -> Run:
    return replace(here, project=replace(here.project, models=models)).replay(dataset)


def test_a_patch_that_adds_a_column_without_markup_fails(tmp_path: Path) -> None:
    run = replayed(world(patch=chain(*SECOND, ADDS)), marked_dataset(tmp_path))
    assert verdicts(run) == ["failed", "failed"]
    assert findings(run) == [
        "MC602 step 2->3 adds users.phone, and nothing is said of it: the markup must know every column"
    ]


def test_without_any_markup_nothing_is_said_of_columns(tmp_path: Path) -> None:
    assert findings(replayed(world(patch=chain(*SECOND, ADDS)), marked_dataset(tmp_path, None))) == []


def test_what_trunk_adds_is_not_the_patchs(tmp_path: Path) -> None:
    here = world(trunk=chain(*SECOND, ADDS), patch=chain(*SECOND, ADDS, "4"))
    assert findings(replayed(here, marked_dataset(tmp_path))) == []


def test_what_a_step_left_that_failed_is_not_judged(tmp_path: Path) -> None:
    fails = replace(ADDS, error=StepError(Cause.RAISED, "no"))
    run = replayed(world(patch=chain(*SECOND, fails)), marked_dataset(tmp_path))
    assert [one.id for one in judge_replay(run.replays[0], run).findings] == ["MC101"]


def test_a_patch_that_is_run_again_without_planted_values_is_told_once(tmp_path: Path) -> None:
    fails = Migration("4", error=StepError(Cause.RAISED, "no"))
    dataset = replace(marked_dataset(tmp_path), contents=Contents.REAL)
    run = replayed(world(patch=chain(*SECOND, ADDS, fails)), dataset)
    assert sorted(one.id for one in judge_replay(run.replays[0], run).findings) == ["MC101", "MC602"]


def test_the_table_where_the_tool_keeps_its_revision_needs_no_markup() -> None:
    dataset = Dataset("empty", markup=READ)
    assert findings(replayed(world(trunk=(), patch=chain("1")), dataset)) == []


def test_the_file_that_counts_is_that_of_the_patch(tmp_path: Path) -> None:
    here = world(patch=chain(*SECOND, ADDS))
    here.repository.holds["patch-id"] = {"m.toml": (TOML + 'phone = "phone"\n').encode()}
    assert verdicts(replayed(here, marked_dataset(tmp_path))) == ["passed", "passed"]


def test_what_the_patch_says_does_not_make_less_confidential(tmp_path: Path) -> None:
    here = world(patch=chain(*SECOND, ADDS))
    here.repository.holds["patch-id"] = {"m.toml": b'[tables.users]\n"*" = "keep"\n'}
    dataset = replace(marked_dataset(tmp_path), contents=Contents.ANONYMIZED)
    replayed(here, dataset)
    (chosen,) = here.tools.gates.columns.values()  # type: ignore[attr-defined]
    assert "users.email" in chosen


def test_a_file_of_the_patch_that_cannot_be_read_is_a_warning_and_trunks_is_used(tmp_path: Path) -> None:
    here = world(patch=chain(*SECOND, ADDS))
    here.repository.holds["patch-id"] = {"m.toml": b"["}
    run = replayed(here, marked_dataset(tmp_path))
    assert verdicts(run) == ["passed", "passed"]
    assert [(one.id, one.severity, one.file) for one in run.replays[0].unmarked] == [
        ("MC604", Severity.WARNING, "m.toml"),
        ("MC602", Severity.WARNING, "versions/3.py"),
    ]


def test_models_are_heard_where_the_file_of_the_patch_cannot_be_read(tmp_path: Path) -> None:
    here = world(patch=chain(*SECOND, ADDS))
    here.repository.holds["patch-id"] = {"m.toml": b"["}
    here.tool.modelled = {"patch-id": TOLD}
    run = replayed(here, marked_dataset(tmp_path), "shop.models:Base")
    assert [one.id for one in run.replays[0].unmarked] == ["MC604"]


def test_models_may_say_what_the_file_does_not(tmp_path: Path) -> None:
    here = world(patch=chain(*SECOND, ADDS))
    here.tool.modelled = {"patch-id": TOLD}
    assert findings(replayed(here, marked_dataset(tmp_path), "shop.models:Base")) == []
    assert "user_001: m.toml wins over the models where both speak of a column, which they do 1 times" in (
        here.observer.heard
    )


def test_models_alone_are_markup_if_they_say_anything(tmp_path: Path) -> None:
    adds = Migration("3", makes="ALTER TABLE users ADD COLUMN fax TEXT")
    here = world(patch=chain(*SECOND, adds))
    here.tool.modelled = {"patch-id": TOLD}
    run = replayed(here, marked_dataset(tmp_path, None), "shop.models:Base")
    assert [one.id for one in run.replays[0].unmarked] == ["MC602"]
    here.tool.modelled = {"patch-id": {"tables": []}}
    assert findings(replayed(here, marked_dataset(tmp_path, None), "shop.models:Base")) == []


@pytest.mark.parametrize(
    "trouble", [HistoryFailed("No module named 'models'"), {"tables": 7}], ids=["not imported", "senseless"]
)
def test_models_that_cannot_be_read_do_not_fail_a_patch(
    tmp_path: Path, trouble: HistoryFailed | dict[str, object]
) -> None:
    here = world(patch=chain(*SECOND, ADDS))
    here.tool.modelled = {"patch-id": trouble}
    run = replayed(here, marked_dataset(tmp_path), "shop.models:Base")
    assert verdicts(run) == ["passed", "passed"]
    assert [(one.id, one.severity) for one in run.replays[0].unmarked] == [
        ("MC604", Severity.WARNING),
        ("MC602", Severity.WARNING),
    ]
    alone = replayed(here, marked_dataset(tmp_path, None), "shop.models:Base")
    assert [(one.id, one.severity) for one in alone.replays[0].unmarked] == [("MC604", Severity.INFO)]


MODELS = b"""class Post:
    __tablename__ = "posts"
    phone: str
class User:
    __tablename__ = "users"
    email: str
    phone: str
    fax: str
"""


def modelled(*columns: str) -> dict[str, list[dict[str, object]]]:
    """Models with a table of these columns, of which something is said of the first."""
    rules = [{"column": columns[0], "said": "email", "place": "shop.models:User"}]
    create = "CREATE TABLE `users` (" + ", ".join(f"`{name}` text" for name in columns) + ")"
    return {"tables": [{"create": create, "rules": rules, "module": "shop.models"}]}


def test_a_column_that_the_patch_adds_to_the_models_alone_is_told_at_their_file(tmp_path: Path) -> None:
    here = world(patch=TRUNK)
    here.tool.modelled = {"trunk-id": modelled("email", "fax"), "patch-id": modelled("email", "fax", "phone")}
    here.repository.holds["patch-id"] = {"src/shop/models.py": MODELS}
    run = replayed(here, marked_dataset(tmp_path, None), "shop.models:Base")
    (found,) = run.replays[0].unmarked
    assert (found.id, found.severity, found.file, found.line) == ("MC602", Severity.ERROR, "src/shop/models.py", 7)
    assert found.message.startswith("the models have a new column users.phone, and nothing is said of it")


@pytest.mark.parametrize(
    "trunks",
    [modelled("email", "phone"), {"tables": []}, HistoryFailed("No module named 'models'")],
    ids=["it has it too", "it says nothing", "nobody knows"],
)
def test_what_trunks_models_lack_already_is_not_the_patchs(
    tmp_path: Path, trunks: HistoryFailed | dict[str, list[dict[str, object]]]
) -> None:
    here = world(patch=TRUNK)
    here.tool.modelled = {"trunk-id": trunks, "patch-id": modelled("email", "phone")}
    run = replayed(here, marked_dataset(tmp_path, None), "shop.models:Base")
    assert findings(run) == ["MC006 the patch adds no migrations"]


def test_models_that_cannot_be_read_are_of_no_concern_to_a_patch_that_changes_no_column(tmp_path: Path) -> None:
    here = world()
    here.tool.modelled = {"patch-id": HistoryFailed("No module named 'models'")}
    assert findings(replayed(here, marked_dataset(tmp_path), "shop.models:Base")) == []
