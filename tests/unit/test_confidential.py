"""What must not be seen of a dataset: which columns that are, and that nothing of them leaves a replay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from migci.adapters import publish
from migci.core.contents import Contents
from migci.core.dataset import Dataset
from migci.core.markup import Column, Markup, confidential
from migci.core.run import Run
from migci.core.step import Cause, StepError
from migci.errors import UsageError
from migci.replay import Change
from migci.replay import replay as replay_change
from tests.fakes import FakeGates, Migration, dump_at
from tests.unit.worlds import PATCH, TRUNK, World, findings, world

COLUMNS = (
    Column("users", "id", text=False),
    Column("users", "email", text=True),
    Column("users", "born", text=False),
    Column("logs", "line", text=True),
)


@pytest.mark.parametrize(
    ("contents", "said", "expected"),
    [
        (Contents.REAL, None, ("users.email", "logs.line")),
        (Contents.ANONYMIZED, None, ()),
        (Contents.REAL, (("users", "email", "keep"),), ("logs.line",)),
        (Contents.REAL, (("users", "born", "date"), ("logs", "*", "keep")), ("users.email", "users.born")),
        (Contents.ANONYMIZED, (("users", "*", "keep"), ("users", "email", "email")), ("users.email", "logs.line")),
    ],
    ids=[
        "real contents without markup: all text",
        "anonymized contents without markup: nothing",
        "text that is kept is not; text that nobody named is",
        "what is marked is, text or not; a whole table can be kept",
        "what is said of one column wins over what is said of all",
    ],
)
def test_which_columns_are_confidential(
    contents: Contents, said: tuple[tuple[str, str, str], ...] | None, expected: tuple[str, ...]
) -> None:
    assert confidential(COLUMNS, contents, None if said is None else Markup(said)) == expected


def filled(folder: Path, contents: Contents, **more: object) -> Dataset:
    source = dump_at(folder, "2")
    with source.open("a") as file:
        file.write("CREATE TABLE users (id INTEGER, email TEXT);\nINSERT INTO users VALUES (1, 'ada@example.org');\n")
    return Dataset("user_001", str(source), contents=contents, **more)  # type: ignore[arg-type]


def gates(here: World) -> FakeGates:
    found = here.tools.gates
    assert isinstance(found, FakeGates)
    return found


def run(here: World, dataset: Dataset) -> Run:
    return replay_change(here.project, Change(), (dataset,), here.tools)


def raising(message: str) -> tuple[Migration, ...]:
    *before, last = PATCH
    return (*before, replace(last, error=StepError(Cause.RAISED, message)))


def test_a_value_in_an_error_is_removed_and_the_step_is_told_with_its_column(tmp_path: Path) -> None:
    here = world(TRUNK, raising("no such customer: ada@example.org"))
    told_run = run(here, filled(tmp_path, Contents.REAL))
    (told,) = told_run.replays
    last = told.steps[-1]
    assert last.error is not None
    assert last.error.message == "no such customer: [removed: users.email]"
    assert last.exposed == ("users.email",)
    assert (
        f"MC601 step {last.name} prints values of users.email: in production they would stand in its log"
        in findings(told_run)
    )


def test_nothing_is_removed_from_what_is_synthetic(tmp_path: Path) -> None:
    here = world(TRUNK, raising("no such customer: ada@example.org"))
    (told,) = run(here, filled(tmp_path, Contents.SYNTHETIC)).replays
    assert told.steps[-1].error is not None
    assert told.steps[-1].error.message == "no such customer: ada@example.org"
    assert gates(here).indexes == {}
    assert set(gates(here).guards) == {(None, True)}


@pytest.mark.parametrize(
    ("contents", "publish_log", "kept"),
    [(Contents.REAL, False, False), (Contents.REAL, True, True), (Contents.ANONYMIZED, False, True)],
)
def test_what_is_printed_is_kept_of_real_contents_only_if_that_is_asked_for(
    tmp_path: Path, contents: Contents, publish_log: bool, kept: bool
) -> None:
    here = world()
    run(here, filled(tmp_path, contents, publish_log=publish_log))
    assert {publish for _, publish in gates(here).guards} == {kept}


def test_markup_that_differs_in_what_tables_are_like_makes_another_index(tmp_path: Path) -> None:
    here = world()
    for like in ((), (("logs", "users"),)):
        run(here, filled(tmp_path, Contents.REAL, markup=Markup((("users", "email", "email"),), like=like)))
    assert len(gates(here).indexes) == 2


def test_an_index_is_made_once_for_a_snapshot_and_what_is_said_of_it(tmp_path: Path) -> None:
    here = world()
    dataset = filled(tmp_path, Contents.REAL)
    run(here, dataset)
    (first,) = gates(here).indexes
    run(here, dataset)
    assert list(gates(here).indexes) == [first]
    run(here, replace(dataset, markup=Markup((("users", "email", "keep"),))))
    assert len(gates(here).indexes) == 2
    roots = {id.partition("-")[0] for id in gates(here).indexes}
    assert roots == {one.root for one in here.tools.snapshots.all() if one.dataset == "user_001"}


def test_honeytokens_are_planted_before_the_patch_runs_on_all_but_synthetic_contents(tmp_path: Path) -> None:
    for contents in Contents:
        here = world()
        (told,) = run(here, filled(tmp_path, contents)).replays
        planted = [one["users.email"] for one in here.server.planted]
        assert planted == ([] if contents is Contents.SYNTHETIC else ["token of users.email"])
        assert told.planted == (None if contents is Contents.SYNTHETIC else ("users.email",))


def test_a_step_that_fails_where_values_are_planted_is_run_again_without_them(tmp_path: Path) -> None:
    """It answers only for what it does without them."""
    here = world(TRUNK, raising("too many values to unpack"))
    (told,) = run(here, filled(tmp_path, Contents.REAL)).replays
    assert len(here.server.planted) == 1
    assert [step.outcome.value for step in told.steps if step.stage == "proposed"] == ["failed"]
    assert any("once more, without planted values" in one for one in here.observer.heard)


def test_a_markup_that_names_a_column_which_is_not_there_is_refused(tmp_path: Path) -> None:
    markup = Markup((("users", "emial", "email"), ("users", "*", "keep")))
    with pytest.raises(UsageError) as refused:
        run(world(), filled(tmp_path, Contents.REAL, markup=markup))
    assert refused.value.message == "the markup of dataset 'user_001' names users.emial, which the dataset has not"
    assert refused.value.hint == "users has email, id"


def test_one_honeytoken_in_one_file_and_none_is_written(tmp_path: Path) -> None:
    files = {"replay.json": b"{}", "log.txt": b"found token of users.email"}
    with pytest.raises(publish.Leaked) as leaked:
        publish.write(tmp_path, files, FakeGates().leaked)
    assert "log.txt" in leaked.value.message
    assert list(tmp_path.iterdir()) == []
