"""The kind python:MODULE:FUNCTION: a function of the user's own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from anonymize.errors import Unfit, UsageError
from anonymize.kinds.columns import is_bytes
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import Option, nearest
from anonymize.ops import Call


@dataclass(frozen=True, slots=True)
class Own:
    """The function, called with text, or with bytes for a column of bytes. Raises Unfit if it fails, whatever way."""

    function: Callable[[str], object] | Callable[[bytes], object]
    takes_bytes: bool

    def __call__(self, value: bytes) -> bytes | None:
        try:
            result = self.function(value if self.takes_bytes else value.decode())  # type: ignore[arg-type]
        except UnicodeDecodeError:
            raise Unfit("it is no UTF-8, so the function cannot be called with it") from None
        except Exception as error:  # what others wrote may raise anything; its text may quote the value
            raise Unfit(f"the function raised {type(error).__name__}") from None
        if result is None or isinstance(result, bytes):
            return result
        if isinstance(result, str):
            try:
                return result.encode()
            except UnicodeEncodeError:
                raise Unfit("the function gave text that is not Unicode") from None
        raise Unfit(f"the function gave a value of type {type(result).__name__}")


def own(reference: str) -> Definition:
    """The kind `python:REFERENCE`, where a reference is MODULE:FUNCTION. It is imported when it is made."""
    return Definition(
        name=f"python:{reference}",
        summary="What a function of your own makes of the value: it gets text (bytes, for a column of bytes) and gives "
        "text or bytes, or None for NULL. It may be called from several threads at once, and is not for NULL or an "
        "empty value; if it raises, the dump is refused.",
        guarantees=Guarantees(
            Uniqueness.LOSSY, length="the function's", characters="the function's", null="kept; None becomes NULL"
        ),
        making=lambda wish: _made(wish, reference),
        example='badge = { kind = "python:company.masks:badge", unique = true }',
        known={
            "unique": Option(
                "whether it gives different results for different values; nobody checks (false)", bool, False
            )
        },
    )


def _made(wish: Wish, reference: str) -> Made:
    function = Own(load(reference), is_bytes(wish.column))
    uniqueness = Uniqueness.COLLISION_FREE if wish.options["unique"] else Uniqueness.LOSSY
    return Made(Call(function), uniqueness, grows=True)


def load(reference: str) -> Callable[[str], object]:
    """The function. Raises UsageError if there is none."""
    module_name, _, name = reference.partition(":")
    if not module_name or not name:
        raise UsageError(f"{reference!r} names no function", "write python:MODULE:FUNCTION")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a module may raise anything while it is imported
        raise UsageError(
            f"the module {module_name!r} cannot be imported: {type(error).__name__}: {error}",
            "its folder has to be in PYTHONPATH, and what it imports installed",
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        known = [one for one, value in vars(module).items() if callable(value) and not one.startswith("_")]
        raise UsageError(f"the module {module_name!r} has no function {name!r}", nearest(name, known, "it has"))
    found: Callable[[str], object] = function
    return found
