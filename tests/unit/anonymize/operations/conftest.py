"""Every test of an operation runs on each engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anonymize.engine import engines
from anonymize.ops import Op

Apply = Callable[[Op, bytes], bytes | None]


@pytest.fixture(params=["twin", "kernel"])
def apply(request: pytest.FixtureRequest) -> Apply:
    engine = engines().get(request.param)
    if engine is None:
        pytest.skip("the kernel was not compiled: there was no C compiler")

    def applied(op: Op, value: bytes, subject: bytes = b"") -> bytes | None:
        result: bytes | None = engine.apply(op)(value, subject)
        return result

    return applied
