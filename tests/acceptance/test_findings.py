"""Every finding has a title, a page and an example project that triggers it; here the three are held together."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migci.core.finding import TITLES
from migci.demo import fixtures
from migci.demo.shop import build
from tests.acceptance.command import (
    Ran,
    check_versions,
    demand,
    left,
    replay,
    replay_after_damage,
    replay_on_a_disk,
    state,
)

PAGES = Path(__file__).parents[2] / "docs" / "findings"


@dataclass(frozen=True)
class Trait:
    """An example project, as its fixture.toml describes it."""

    name: str
    about: dict[str, Any]

    @property
    def id(self) -> str:
        """The finding that it is an example of; the others come along."""
        first: str = self.about["findings"][0]
        return first

    def on(self, flavor: str, key: str) -> str | None:
        """A sentence that is expected, which may differ by flavor; … stands for any words."""
        value: str | dict[str, str] | None = self.about.get(key)
        return value.get(flavor) if isinstance(value, dict) else value


TRAITS = [
    Trait(path.parent.name, tomllib.loads(path.read_text())) for path in sorted(fixtures().glob("*/fixture.toml"))
]
RUNS = [
    pytest.param(trait, flavor, id=f"{trait.id}-{trait.name}-{flavor}")
    for trait in sorted(TRAITS, key=lambda trait: trait.id)
    for flavor in trait.about["flavors"]
]


def test_every_finding_has_one_page_and_one_example() -> None:
    assert sorted(page.stem for page in PAGES.glob("*.md")) == sorted(TITLES)
    assert sorted(trait.id for trait in TRAITS) == sorted(TITLES)
    assert {trait.about["base"] for trait in TRAITS} == {"shop"}


@pytest.mark.parametrize("trait", TRAITS, ids=lambda trait: trait.id)
def test_a_page_has_the_finding_s_title_and_shows_the_example_s_own_file(trait: Trait) -> None:
    page = (PAGES / f"{trait.id}.md").read_text()
    assert page.startswith(f"# {trait.id}: {TITLES[trait.id]}\n")
    assert f"fixtures/projects/{trait.name}/" in page
    assert len(page.splitlines()) <= 60
    if bad := trait.about.get("bad"):
        shown = re.search(rf"`fixtures/projects/{trait.name}/{bad}`:\n\n```\w*\n(.*?)```\n", page, re.DOTALL)
        assert shown is not None
        assert shown[1] == (fixtures() / trait.name / bad).read_text()


@pytest.mark.parametrize(("trait", "flavor"), RUNS)
def test_an_example_gives_its_findings_and_leaves_nothing(
    trait: Trait, flavor: str, store: Path, tmp_path: Path
) -> None:
    demand(flavor)
    project = tmp_path / "shop"
    build(project, flavor=flavor, trait=trait.name)
    before = state(project)

    ran = _run(trait, flavor, project, store)

    assert ran.status == trait.about["exit"], ran.err
    assert ran.report["verdict"] == trait.about["verdict"]
    assert {finding["id"] for finding in ran.findings} == set(trait.about["findings"])
    finding = next(
        f for s in ("error", "warning", "info") for f in ran.findings if (f["id"], f["severity"]) == (trait.id, s)
    )
    _alike(finding["message"], trait.on(flavor, "message"))
    _alike(finding["hint"], trait.on(flavor, "hint"))
    assert finding["url"] == f"docs/findings/{trait.id}.md"
    if "file" in trait.about:
        assert finding["file"] == trait.about["file"]
    assert trait.id in ran.out
    assert left(store, ran.pid) == []
    assert state(project) == before


def _run(trait: Trait, flavor: str, project: Path, store: Path) -> Ran:
    if "checks" in trait.about:
        return check_versions(project, *trait.about["checks"])
    if "store_damage" in trait.about:
        return replay_after_damage(project, fixtures() / trait.name / trait.about["store_damage"], store, "empty")
    if "store_megabytes" not in trait.about:
        return replay(project, *trait.about["datasets"], *trait.about.get("arguments", []))
    return replay_on_a_disk(project, trait.about["store_megabytes"][flavor], store, *trait.about["datasets"])


def _alike(said: str, expected: str | None) -> None:
    """That `said` is the whole sentence which is expected, but for measured seconds."""
    if expected is not None:
        said = re.sub(r"(took|blocked writes for) [0-9.]+ s;", r"\1 N s;", said)
        pattern = ".*".join(re.escape(part) for part in expected.split("…"))
        assert re.fullmatch(pattern, said, re.DOTALL), f"expected: {expected}\nsaid:     {said}"
