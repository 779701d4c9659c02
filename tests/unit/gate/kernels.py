"""The kernel and its twin, under the same tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from migci.adapters.gate import _pure, index

COMPILED: ModuleType | None = vars(index)["kernel"] if index.COMPILED else None

KERNELS = [
    pytest.param(_pure, id="pure"),
    pytest.param(
        COMPILED,
        id="compiled",
        marks=[] if COMPILED else [pytest.mark.skip(reason="NO KERNEL: './dev setup' compiles it where there is a cc")],
    ),
]


@contextmanager
def using(kernel: ModuleType) -> Iterator[None]:
    """What the index does meanwhile is done by `kernel`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "kernel", kernel)
        yield
