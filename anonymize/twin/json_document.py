"""JSON documents: leaves are replaced by the rules of their paths, and every other byte stays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from anonymize.errors import Unfit
from anonymize.json_paths import UNKNOWN, states
from anonymize.ops import Json, Op

Apply = Callable[[bytes, bytes], bytes | None]

DEEPEST = 512
"""How many arrays and objects may stand in one another."""

_SPACE = rb"[ \t\n\r]*+"
_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_AFTER = _SPACE + rb"([,\]}]?)"
_VALUE = rb"(?:(%b|%b|true|false|null)%b|([\[{]))" % (_STRING, _NUMBER, _AFTER)
_element = re.compile(_SPACE + _VALUE).match
_member = re.compile(rb"%b(%b)%b:%b%b" % (_SPACE, _STRING, _SPACE, _SPACE, _VALUE)).match
_empty = re.compile(rb"%b([\]}])%b" % (_SPACE, _AFTER)).match
_after = re.compile(_AFTER).match
_number = re.compile(_NUMBER).fullmatch
_special = re.compile(rb'["\\\x00-\x1f]')
_ESCAPES = {0x22: rb"\"", 0x5C: rb"\\", 0x08: rb"\b", 0x0C: rb"\f", 0x0A: rb"\n", 0x0D: rb"\r", 0x09: rb"\t"}
_CLOSES = {b"{": b"}", b"[": b"]"}


def json_document(op: Json, apply: Callable[[Op], Apply]) -> Callable[[bytes], bytes]:
    """The operation; `apply` makes those of the leaves. Raises UsageError and ValueError as they and `states` do."""
    if isinstance(op.other, str) and op.other != "refuse":
        raise ValueError(f"other is {op.other!r}, and not an operation, None or 'refuse'")
    leaves: list[Apply | None] = [None if rule is None else apply(rule) for _, rule in op.rules]
    if op.other == "refuse":
        leaves.append(_refuse)
    elif op.other is None or isinstance(op.other, str):
        leaves.append(None)
    else:
        leaves.append(apply(op.other))
    # A leaf that no rule knows has the number -1, and so the last of the operations.
    assert UNKNOWN == -1
    machine = [(leaves[state.rule], state.names, state.otherwise) for state in states([path for path, _ in op.rules])]

    def walk(document: bytes) -> bytes:
        try:
            document.decode()
        except UnicodeDecodeError as error:
            raise Unfit("it is no JSON: it is no UTF-8") from error
        result: list[bytes] = []
        kept = 0
        around: list[tuple[bytes, int]] = []  # the brackets that are open, and the states outside of them
        closing = b""
        state = 0
        match = _element(document)
        in_object = False
        while match is not None:
            if in_object:
                name, leaf, after, opening = match.groups()
                _, names, below = machine[state]
                if names:
                    below = names.get(name[1:-1] if b"\\" not in name else _name(name), below)
                place = 2
            else:
                leaf, after, opening = match.groups()
                below = machine[state][2] if around else 0
                place = 1
            end = match.end()
            if leaf is not None:
                replace = machine[below][0]
                if replace is not None:
                    written = _replaced(leaf, replace)
                    if written is not None:
                        start = match.start(place)
                        result += document[kept:start], written
                        kept = start + len(leaf)
            else:
                around.append((closing, state))
                if len(around) > DEEPEST:
                    raise Unfit(f"its JSON is nested more than {DEEPEST} deep")
                closing, state = _CLOSES[opening], below
                empty = _empty(document, end)
                if empty is None:
                    in_object = opening == b"{"
                    match = (_member if in_object else _element)(document, end)
                    continue
                if empty[1] != closing:
                    break
                closing, state = around.pop()
                after, end = empty[2], empty.end()
            while after == closing and closing:
                closing, state = around.pop()
                behind = _after(document, end)
                assert behind is not None
                after, end = behind[1], behind.end()
            if after == b"," and closing:
                in_object = closing == b"}"
                match = (_member if in_object else _element)(document, end)
            elif not after and not closing and end == len(document):
                result.append(document[kept:])
                return b"".join(result)
            else:
                break
        raise Unfit("it is no JSON")

    return walk


def _refuse(value: bytes, subject: bytes) -> bytes:
    raise Unfit("no rule knows the path of one of its leaves")


def _replaced(leaf: bytes, replace: Apply) -> bytes | None:
    """What takes the place of a leaf, quotes included; None: the leaf stays as it is written."""
    if leaf[0] != 0x22:
        if leaf[0] not in b"-0123456789":
            if replace is _refuse:
                _refuse(leaf, b"")
            return None
        new = replace(leaf, b"")
        if new == leaf:
            return None
        if new is not None and _number(new):
            return new
    else:
        old = leaf[1:-1] if b"\\" not in leaf else _decoded(leaf)
        new = replace(old, b"")
        if new == old:
            return None
    if new is None:
        return b"null"
    try:
        new.decode()
    except UnicodeDecodeError as error:
        raise Unfit("what replaces one of its leaves is no UTF-8") from error
    return b'"%b"' % (_special.sub(_escaped, new))


def _escaped(match: re.Match[bytes]) -> bytes:
    code = match[0][0]
    return _ESCAPES.get(code) or b"\\u%04x" % code


def _decoded(string: bytes) -> bytes:
    text: str = json.loads(string)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Unfit("a string to replace has one half of a surrogate pair") from error


def _name(string: bytes) -> bytes:
    text: str = json.loads(string)
    return text.encode("utf-8", "surrogatepass")
