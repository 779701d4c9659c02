"""Pure functions that write a run and its verdict for people, pipelines and review systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from migci.core.run import Run
from migci.report import document, html, junit, markdown, sarif, text

Render = Callable[[Run], str]

FORMATS: Mapping[str, Render] = {
    "text": text.render,
    "json": document.render,
    "markdown": markdown.render,
}
"""What `--format` names."""

FILES: Mapping[str, Render] = {
    "replay.json": document.render,
    "report.html": html.render,
    "junit.xml": junit.render,
    "findings.sarif": sarif.render,
}
"""What is always written to the output folder."""
