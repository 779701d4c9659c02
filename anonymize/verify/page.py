"""The report as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from anonymize.verify.report import Check, Explained, Finding, Report, told, where

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; }
tr { border-bottom: 1px solid #d8d8d8; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.passed { color: #14632a; } .failed { color: #a3161c; } code { overflow-wrap: anywhere; font-size: .85rem; }
.signed { margin-top: 3rem; border-top: 1px solid; width: 24rem; }
"""


def page(report: Report) -> str:
    """The whole page; nothing in it is loaded from elsewhere."""
    verdict = "passed" if report.passed else "failed"
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f"<title>Verification {verdict}: {escape(report.result.name)}</title><style>{_STYLE}</style></head><body>",
            f'<h1>Verification of an anonymized dump: <span class="{verdict}">{verdict}</span></h1>',
            *_files(report),
            "<h2>What was checked</h2>",
            *_checks(report.checks),
            "<h2>Replaced columns</h2>",
            *_table(
                ("column", "kind", "values"),
                ((f"{one.table}.{one.column}", one.kind, told(one)) for one in report.columns),
            ),
            "<h2>Rows</h2>",
            *_table(("table", "rows"), ((name, f"{rows:,}") for name, rows in sorted(report.rows.items()))),
            *_explained(report.explained),
            "<h2>What was not checked</h2><ul>",
            *(f"<li>{escape(one)}</li>" for one in report.not_checked),
            "</ul>",
            '<p class="signed">Date, name</p>',
            "</body></html>\n",
        )
    )


def _files(report: Report) -> Iterator[str]:
    files = (("original", report.original), ("result", report.result), *(("markup", one) for one in report.markup))
    rows = ((what, one.name, f"{one.bytes:,}", one.sha256) for what, one in files)
    yield from _table(("", "file", "bytes", "SHA-256"), rows)
    yield f"<p>By {escape(report.version)}.</p>"


def _checks(checks: Iterable[Check]) -> Iterator[str]:
    yield "<table>"
    for check in checks:
        verdict = "passed" if check.passed else "failed"
        compared = ", ".join(f"{count:,} {escape(what)}" for what, count in check.compared.items())
        yield f'<tr><td class="{verdict}">{verdict}</td><td><b>{escape(check.name)}</b>: {escape(check.statement)}'
        yield f"<br>{compared}" if compared else ""
        yield "".join(_finding(one) for one in check.findings)
        yield f"<br>… {check.count:,} in all" if check.count > len(check.findings) else ""
        yield "</td></tr>"
    yield "</table>"


def _finding(finding: Finding) -> str:
    return f'<br><span class="failed">{escape(where(finding))}{escape(finding.text)}</span>'


def _explained(explained: Iterable[Explained]) -> Iterator[str]:
    rows = [(one.original, one.found_in, f"{one.values:,}", one.reason) for one in explained]
    if rows:
        yield "<h2>Originals that may stand where they were found</h2>"
        yield from _table(("original of", "found in", "times", "why"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{escape(one)}</th>" for one in head) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td><code>{escape(one)}</code></td>" for one in row) + "</tr>"
    yield "</table>"
