"""shop"""

from pathlib import Path


def build(destination: Path, *, flavor: str) -> None: ...
