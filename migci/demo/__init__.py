"""Demonstrations: real projects, built where a person can look at them, with data to replay on."""

from __future__ import annotations

from pathlib import Path

import migci


def fixtures() -> Path:
    """The folder of example projects: beside the package in a checkout, else inside the installed package."""
    package = Path(migci.__file__).resolve().parent
    beside = package.parent / "fixtures" / "projects"
    return beside if beside.is_dir() else package / "fixtures" / "projects"
