"""What a person is shown when something is wrong, and the exit status that goes with it."""

from __future__ import annotations

from typing import ClassVar


class AnonymizeError(Exception):
    """Something that the person at the keyboard should know: what happened, and what to do about it."""

    status: ClassVar[int] = 3

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CheckFailed(AnonymizeError):
    """The plan, or a comparison, says no. Nothing was published."""

    status = 1


class UsageError(AnonymizeError):
    """An option, the markup or the key cannot be used as it is."""

    status = 2


class Unreadable(AnonymizeError):
    """The input is broken, or holds something that is not understood; nothing of it was published."""


class Unfit(Exception):
    """A value is not what its kind expects. The reason never quotes the value.

    Raised by operations; whoever knows where the value stands makes an Unreadable of it.
    """
