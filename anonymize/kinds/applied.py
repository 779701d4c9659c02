"""An operation as a function of one value, for kinds that call others from Python."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from anonymize.engine import Apply, apply
from anonymize.ops import Op


@dataclass(frozen=True)
class Applied:
    """`op` on a value without a subject. It is made when it is first called. Raises Unfit."""

    op: Op

    @functools.cached_property
    def _function(self) -> Apply:
        return apply(self.op)

    def __call__(self, value: bytes) -> bytes | None:
        return self._function(value, b"")
