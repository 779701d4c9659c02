"""The report as a page."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from migci.core.run import Run
from migci.core.step import Outcome
from migci.report import html
from tests.unit.report import samples

VOID = {"meta", "br", "line", "rect"}
OPTIONAL = {"th", "td", "tr"}


class Page(HTMLParser):
    """Every element and attribute of a page, and that its elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID | OPTIONAL:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID | OPTIONAL:
            assert self.open.pop() == tag, self.getpos()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def visible(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


def size(run: Run) -> int:
    return len(html.render(run).encode())


def test_the_verdict_is_the_heading_and_its_findings_are_counted_below() -> None:
    found = html.render(samples.failing())
    assert "<h1>Failed</h1>\n<p>1 error; 2 steps on 1 dataset</p>" in found
    assert "<title>failed: nova (migci)</title>" in found


def test_a_finding_has_its_title_place_message_and_hint() -> None:
    found = visible(html.render(samples.failing()))
    assert f"error MC101 A migration raised an error {samples.FOLDER}/217_havana.py:12" in found
    assert "step 216-&gt;217 failed: no such column: cleaned the whole traceback is in log.txt" in found


def test_the_steps_of_the_patch_stand_apart_from_those_before_it() -> None:
    found = visible(html.render(samples.passing()))
    assert "The patch&#39;s steps stage step file outcome" in found
    patch, _, before = found.rpartition("Steps before the patch stage step file outcome")
    assert "proposed 216→217 217_havana.py applied 2.500 2.250 250,000 250,000 88.0 MB" in patch
    assert "trunk 215→216 216_havana.py cached 1.235 1.111 250,000 250,000 88.0 MB" in before


def test_the_statements_of_a_step_are_folded_away_with_the_slowest_first() -> None:
    found = html.render(samples.passing())
    first = re.findall("<details.*?</details>", found, re.DOTALL)[0]
    assert "`cleaned` INTEGER instances 1 0.800 0 250,000 COPY yes 0.750 " in visible(first)
    assert first.index("ALTER TABLE") < first.index("SELECT `id`")
    assert "open" not in first.partition(">")[0]


def test_a_failed_step_is_unfolded_with_its_error() -> None:
    found = html.render(samples.failing())
    assert '<details id="d0s0" open>' in found
    assert "<pre>line 12: no such column: cleaned</pre>" in found


def test_the_picture_names_every_bar_and_links_it_to_its_step() -> None:
    found = html.render(samples.nova())
    assert "<title>329→330 330_folsom.py: 95.1 s, of which SQL" in found
    for anchor in re.findall('href="#([^"]+)"', found):
        assert f'id="{anchor}"' in found
    assert "limit 60 s" in found


def test_the_page_is_well_formed_and_asks_for_nothing_outside_of_it() -> None:
    page = Page(html.render(samples.nova(Outcome.FAILED)))
    assert not page.tags & {"script", "img", "link", "iframe", "object", "form", "base"}
    for tag, name, value in page.attributes:
        assert name not in ("src", "style", "srcset"), (tag, name)
        assert not name.startswith("on"), (tag, name)
        assert name != "href" or value.startswith("#"), (tag, value)


def test_the_policy_forbids_scripts_and_allows_this_style_alone() -> None:
    found = html.render(samples.passing())
    [style] = re.findall("<style>(.*?)</style>", found, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'none'; style-src 'sha256-{digest}'" in found
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_text_is_text() -> None:
    found = html.render(samples.hostile())
    page = Page(found)
    assert not page.tags & {"script", "img"}
    assert not any(name.startswith("on") for _, name, _ in page.attributes)
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in found
    assert not set("\x1b\x00\x07\u202e\ud800") & set(found)
    assert len(found.encode()) < 100_000


@pytest.mark.parametrize(
    ("steps", "statements", "datasets"), [(300, 40, 1), (200, 30, 1), (300, 40, 5), (2000, 5, 2), (20, 3, 90)]
)
def test_the_page_keeps_its_budget(steps: int, statements: int, datasets: int) -> None:
    assert size(samples.long(steps, statements, datasets, digest=400)) < 500_000


def test_a_page_of_hostile_replays_keeps_its_budget() -> None:
    run = samples.hostile()
    most = replace(run.replays[0], trouble=run.replays[0].trouble * 50, steps=run.replays[0].steps * 20)
    short = replace(run, replays=(most,) * 3, findings=run.findings * 50)
    assert size(short) < 500_000


def test_what_there_was_no_room_for_is_counted() -> None:
    found = html.render(samples.long(300, 40))
    shown = len(re.findall("<tr><td>", found)) // 300
    assert shown >= 1
    assert f"{40 - shown} more statements" in found
    assert "more datasets; replay.json has all of them" in html.render(samples.long(1, 1, 62))


def test_the_budget_is_used_when_there_is_more_to_show() -> None:
    assert size(samples.long(300, 40)) > 300_000


def test_a_run_of_trunk_alone_calls_its_steps_steps() -> None:
    run = samples.run(samples.replay(*samples.passing().replays[0].steps[:1]))
    found = html.render(replace(run, proposed=None))
    assert "nothing, trunk itself is judged" in found
    assert "<h3>Steps</h3>" in found


def test_a_replay_that_never_began_has_no_picture() -> None:
    found = html.render(samples.run(replace(samples.replay(), server=None, clone=None, rows=None, bytes=None)))
    assert "<svg" not in found
    assert "no steps" in found
