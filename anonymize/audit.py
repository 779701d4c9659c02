"""What was done to a dump: of each column that is replaced, how many values were."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from anonymize.dumps.targets import Counts
from anonymize.errors import UsageError

SCHEMA = "anonymize.audit/1"


@dataclass(frozen=True, slots=True)
class ColumnAudit:
    """One column that is replaced."""

    kind: str
    replaced: int
    """How many values were replaced by something else than NULL."""
    others: int
    """All others: NULL before, NULL now, empty, or of rows whose statement does not name the column."""


@dataclass(frozen=True, slots=True)
class TableAudit:
    """One table of which a column is replaced, and that has rows."""

    rows: int
    columns: Mapping[str, ColumnAudit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audit:
    """By the names of tables, with their database in front if the dump has one."""

    tables: Mapping[str, TableAudit] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """As JSON. Raises UsageError if the file cannot be written."""
        try:
            file.write_text(json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"the audit {file} cannot be written: {error.strerror}", "the dump was written; name another file"
            ) from error


Kinds = Callable[[str | None, str], Mapping[str, str]]
"""By the columns of a table, in lower case, what kind of replacement each has."""


def audit(counts: Counts, kinds: Kinds) -> Audit:
    """The audit of what was counted."""
    tables = {}
    for (database, name), count in sorted(counts.items(), key=lambda one: (one[0][0] or "", one[0][1])):
        kind = kinds(database, name)
        columns = {
            column: ColumnAudit(kind.get(column.lower(), ""), replaced, count.rows - replaced)
            for column, replaced in count.replaced.items()
        }
        tables[f"{database}.{name}" if database else name] = TableAudit(count.rows, columns)
    return Audit(tables)
