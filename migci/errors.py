"""The error that a person is shown, and the exit codes that a pipeline reads."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What migci's commands exit with."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    UNDECIDED = 3


class MigciError(Exception):
    """Something went wrong that a person can act on: `message` says what, `hint` what to do about it.

    As it stands it means that migci, its machine or trunk broke, so that nothing can be said of the patch.
    """

    exit = Exit.UNDECIDED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(MigciError):
    """The command line, the configuration or what it refers to is wrong; nothing was run."""

    exit = Exit.USAGE
