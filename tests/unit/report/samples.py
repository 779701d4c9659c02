"""Runs as replays make them, for the tests of the reports."""

from __future__ import annotations

import random
from dataclasses import replace

from migci.core.dataset import Contents, Dataset, Limits
from migci.core.finding import Finding, Severity
from migci.core.run import CloneFacts, Commit, Part, Replay, Run, ServerFacts, Trial
from migci.core.step import Algorithm, Cause, Outcome, Stage, Statement, Step, StepError, Work

FOLDER = "nova/db/sqlalchemy/migrate_repo/versions"

HOSTILE = (
    "\x1b[31mverdict: passed\x1b[0m\x1b]0;title\x07\r\n</script><img src=x onerror=alert(1)> ]]> "
    "\x00 \ufffe \ud800 [click](https://evil.example/) @everyone "
    "`` ` ``` | ¦ \\| #1 ::error::x ##[error]y \u202eecalp\n"
) + "A" * 100_000

TRUNK = Commit("origin/master", "5e1fcb3c8a4a2f0f4c1b0d7a9d2e6f3b8c7a1d20")
PROPOSED = Commit("HEAD", "a90b11fe23c45d67e89f0a1b2c3d4e5f60718293")

ALTER = Statement(
    digest="ALTER TABLE `instances` ADD COLUMN `cleaned` INTEGER",
    table="instances",
    count=1,
    seconds=0.8,
    rows_read=0,
    rows_changed=250_000,
    algorithm=Algorithm.COPY,
    rebuilt=True,
    blocked_write_seconds=0.75,
)
SELECT = Statement("SELECT `id` FROM `instances` WHERE `deleted` = ?", "instances", 12, 0.2, rows_read=250_000)


def step(origin: str, revision: str, stage: Stage = Stage.PROPOSED, seconds: float = 1.234567) -> Step:
    return Step(
        stage=stage,
        origin=origin,
        revision=revision,
        file=f"{FOLDER}/{revision}_havana.py",
        outcome=Outcome.APPLIED,
        seconds=seconds,
        sql_seconds=seconds * 0.9,
        work=Work(250_000, 250_000, 88_000_000, 0.75, (SELECT, ALTER)),
    )


def failed(one: Step, message: str = "no such column: cleaned", cause: Cause = Cause.RAISED) -> Step:
    outcome = Outcome.TIMEOUT if cause is Cause.TIMEOUT else Outcome.FAILED
    return replace(one, outcome=outcome, error=StepError(cause, message, line=12))


def skipped(one: Step) -> Step:
    return replace(one, outcome=Outcome.SKIPPED, seconds=0.0, sql_seconds=None, work=Work(), error=None)


def replay(*steps: Step, name: str = "user_001", trouble: tuple[Finding, ...] = ()) -> Replay:
    return Replay(
        dataset=Dataset(name, f"{name}.sql.zst", contents=Contents.ANONYMIZED, limits=Limits(step_seconds=60.0)),
        steps=steps,
        trouble=trouble,
        server=ServerFacts("mariadb", "10.11.19"),
        clone=CloneFacts("reflink", "checkpoint", 0.31),
        rows=4_012_345,
        bytes=1_490_000_000,
        seconds=14.2,
        at_newest=True,
        final=("217",),
    )


def run(*replays: Replay, findings: tuple[Finding, ...] = ()) -> Run:
    return Run(
        project="nova",
        tool="sqlalchemy-migrate",
        trunk=TRUNK,
        proposed=PROPOSED,
        replays=replays,
        findings=findings,
        seconds=15.25,
        sandbox="bubblewrap",
        started="2026-03-02T10:11:12Z",
    )


def passing() -> Run:
    """One step of trunk, from the checkpoint, and one of the patch."""
    return run(replay(replace(step("215", "216", Stage.TRUNK), cached=True), step("216", "217", seconds=2.5)))


def failing(message: str = "no such column: cleaned") -> Run:
    """The patch's first step fails, and its second is skipped."""
    return run(replay(failed(step("216", "217"), message), skipped(step("217", "218"))))


def tried() -> Replay:
    """A replay whose migrations have tests of their own, of which one failed."""
    file = f"{FOLDER}/tests/216_havana_test.py"
    well = Trial(Stage.TRUNK, "215->216", file, Part.AFTER, 0.25)
    wrong = replace(well, stage=Stage.PROPOSED, step="216->217", error=StepError(Cause.RAISED, "AssertionError", 3))
    return replace(replay(step("216", "217")), trials=(well, wrong, replace(wrong, error=None, ran=False)))


def hostile() -> Run:
    """Every word that a project, its migrations or their server can choose is hostile."""
    bad = Statement(HOSTILE, HOSTILE, 1, float("nan"))
    one = replace(
        failed(step("216", "217"), HOSTILE),
        revision=HOSTILE,
        file=HOSTILE,
        sql_seconds=float("inf"),
        work=Work(statements=(bad,) * 3),
    )
    finding = Finding("MC001", Severity.WARNING, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 3)
    done = replay(one, skipped(one), trouble=(finding,))
    trial = Trial(Stage.PROPOSED, HOSTILE, HOSTILE, error=one.error, skipped=HOSTILE)
    done = replace(done, trials=(trial,))
    return replace(
        run(replace(done, dataset=replace(done.dataset, name=HOSTILE), server=ServerFacts(HOSTILE, HOSTILE))),
        findings=(finding,),
        project=HOSTILE,
        tool=HOSTILE,
        proposed=Commit(HOSTILE, HOSTILE),
        sandbox=HOSTILE,
        started=HOSTILE,
    )


def long(steps: int, statements: int, datasets: int = 1, digest: int = 900) -> Run:
    """A patch on a long history, whose statements are as long as servers let them be."""
    text = "INSERT INTO `" + "&<\"'" * (digest // 4)
    rows = 10**9
    many = tuple(Statement(f"{text}{n}", "instances", 1, 1 / (n + 1), rows, rows) for n in range(statements))
    ran = [step(str(n), str(n + 1), Stage.PROPOSED if n > steps - 4 else Stage.TRUNK) for n in range(steps)]
    history = tuple(replace(one, work=Work(statements=many)) for one in ran)
    return run(*(replay(*history, name=f"user_{n:03}") for n in range(datasets)))


def nova(ending: Outcome = Outcome.APPLIED) -> Run:
    """A long walk through a project's releases, and a patch with one slow step of its three."""
    dice = random.Random(7)
    slow = {152: 34.1, 167: 12.7, 186: 21.4, 199: 3.1, 204: 8.9, 215: 1.9, 330: 95.123, 331: 4.2}
    names = ("folsom", "grizzly_add_index", "add_instance_type_extra_specs", "drop_dumps", "quotas")
    steps = []
    for number in range(134, 332):
        stage = Stage.RELEASE if number < 200 else Stage.TRUNK if number < 329 else Stage.PROPOSED
        seconds = slow.get(number, dice.lognormvariate(-2.6, 0.9))
        rows = int(seconds * 41_000) if number in slow else dice.choice((0, 0, 0, 14, 211))
        alter = replace(ALTER, seconds=seconds * 0.8, rows_changed=rows)
        insert = Statement("INSERT INTO `migrate_version` VALUES ( ... )", "migrate_version", 1, 0.0004, 0, 1)
        one = Step(
            stage=stage,
            origin=str(number - 1),
            revision=str(number),
            file=f"{FOLDER}/{number}_{names[number % 5]}.py",
            outcome=Outcome.APPLIED,
            seconds=seconds,
            sql_seconds=seconds * dice.uniform(0.3, 0.97),
            work=Work(rows * 2, rows, rows * 310 + 4096, seconds * 0.7, (insert, SELECT, alter)),
            cached=number < 150,
        )
        steps.append(one)
    if ending is Outcome.FAILED:
        steps[-2] = failed(steps[-2], "(1091, \"Can't DROP 'uniq_name0'; check that column/key exists\")")
        steps[-1] = skipped(steps[-1])
    history = Finding(
        "MC006",
        Severity.INFO,
        "the patch adds no migrations to the 195 of trunk",
        "nothing to do",
        file=FOLDER,
    )
    quick = (step(str(n), str(n + 1), seconds=0.02) for n in (328, 329))
    second = replay(*steps[-40:-3], *quick, name="empty")
    first = replace(replay(*steps), seconds=sum(one.seconds for one in steps if not one.cached) + 0.9)
    return replace(run(first, second, findings=(history,)), seconds=first.seconds + second.seconds)
