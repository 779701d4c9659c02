"""What passes the gate, what it tells, and what it holds back."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from migci.adapters.gate import canaries
from migci.adapters.gate.finder import ExactFinder
from migci.adapters.gate.gate import HELD_BYTES, TAIL_BYTES, Gate, Removal

EMAIL = b"m.vollbrecht@example.org"
NAME = b"Anna"
FINDER = ExactFinder({"users.email": [EMAIL, b"other.person@example.org"], "users.name": [NAME]})
FRAGMENTS = [
    EMAIL,
    EMAIL[:9],
    NAME,
    base64.b64encode(EMAIL),
    EMAIL.hex().encode(),
    b"INFO  [alembic.runtime.migration] Running upgrade 0007 -> 0008\n",
    b"UPDATE users SET email = '",
    b"' WHERE id = 5\n",
    b"password=",
    b"\n",
    b" ",
    b"'",
    b"[removed: users.email]",
    b"[removed",
    b"Duplicate entry '",
    b"' for key 'email'",
    b"\\u0041",
    "ё".encode(),
    b"\xff\0",
]


def streamed(writes: list[bytes], held_bytes: int = HELD_BYTES) -> bytes:
    parts: list[bytes] = []
    stream = Gate(FINDER).stream(parts.append, held_bytes=held_bytes)
    for write in writes:
        stream.write(write)
        assert stream.held_bytes <= held_bytes
    stream.flush()
    assert stream.held_bytes == 0
    return b"".join(parts)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12))
def test_what_has_passed_passes_again(fragments: list[bytes]) -> None:
    cleaned = Gate(FINDER).clean_bytes(b"".join(fragments))
    assert Gate(FINDER).clean_bytes(cleaned) == cleaned


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12), st.randoms(use_true_random=False))
def test_it_does_not_matter_how_a_text_is_written(fragments: list[bytes], random: Random) -> None:
    text = b"".join(fragments)
    cuts = sorted(random.choices(range(len(text) + 1), k=5))
    writes = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert streamed(writes) == streamed([text])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=300, max_size=800), st.randoms(use_true_random=False))
def test_nothing_leaks_from_a_long_text_in_bounded_memory(fragments: list[bytes], random: Random) -> None:
    text = b"\n".join(fragments)
    output = streamed([text[at : at + 700] for at in range(0, len(text), 700)], held_bytes=4 * TAIL_BYTES)
    assert b"vollbrec" not in output
    assert base64.b64encode(EMAIL)[:12] not in output
    assert EMAIL.hex().encode()[:18] not in output


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("abcdefg 0123.:,()-\n")))
def test_text_with_nothing_to_remove_stays_as_it_is(text: str) -> None:
    assert Gate(FINDER).clean(text) == text


def test_text_that_is_not_text_stays_as_it_is() -> None:
    for text in ("\ud800 and \udcff", b"\xff\xfe \x80".decode("utf-8", "surrogateescape")):
        assert Gate(FINDER).clean(text) == text
    assert Gate(FINDER).clean(f"\udcff {EMAIL.decode()} \udcff") == "\udcff [removed: users.email] \udcff"


def test_it_tells_what_was_removed_once() -> None:
    gate = Gate(FINDER)
    encoded = base64.b64encode(EMAIL).decode()
    assert gate.clean(f"{EMAIL.decode()} {encoded} Anna WHERE a = 'b' password=x") == (
        "[removed: users.email] [removed: users.email] [removed: users.name] WHERE a = ? password=[removed]"
    )
    assert gate.take() == (Removal(("users.email",), 2), Removal(("users.name",), 1))
    assert gate.take() == ()


def test_a_confidential_literal_is_told_and_named() -> None:
    gate = Gate(FINDER)
    assert gate.clean(f"INSERT INTO users VALUES (5, '{EMAIL.decode()}')") == (
        "INSERT INTO users VALUES (?, [removed: users.email])"
    )
    assert gate.take() == (Removal(("users.email",), 1),)


def test_what_the_gate_wrote_is_not_told_again_and_cannot_hide_a_value() -> None:
    gate = Gate(FINDER)
    assert gate.clean("[removed: users.email]") == "[removed: users.email]"
    assert gate.take() == ()
    assert EMAIL.decode() not in gate.clean(f"[removed: {EMAIL.decode()}]")


def test_a_name_of_a_column_breaks_neither_a_statement_nor_a_document() -> None:
    gate = Gate(ExactFinder({"odd 'na\"me<".replace(" ", "\n"): [EMAIL]}))
    assert gate.clean(EMAIL.decode()) == "[removed: odd__na_me_]"


def test_a_short_value_is_a_word() -> None:
    assert Gate(FINDER).clean("Anna, Annabel, Anna_5 and Annä: Anna") == (
        "[removed: users.name], Annabel, Anna_5 and Annä: [removed: users.name]"
    )


def test_a_short_value_is_found_in_encoded_text() -> None:
    encoded = base64.b64encode(b'{"id": 5, "name": "Anna", "age": 7}').decode()
    assert "[removed: users.name]" in Gate(FINDER).clean(encoded)


def test_a_short_value_is_found_when_all_of_it_is_escaped() -> None:
    for written in ("%41%6e%6e%61", "&#65;&#110;&#110;&#97;", "\\u0041\\u006e\\u006e\\u0061"):
        assert Gate(FINDER).clean(f"row {written} of 5") == "row [removed: users.name] of 5"


def test_characters_are_whole_where_a_value_ends_within_one() -> None:
    gate = Gate(ExactFinder({"a": ["xxяяяяяя".encode()]}))
    assert gate.clean("xя яяяяяя") == "xя [removed: a]"


def test_without_an_index_secrets_are_removed_all_the_same() -> None:
    assert Gate(None).clean(f"{EMAIL.decode()} password=x") == f"{EMAIL.decode()} password=[removed]"


def test_nothing_is_handed_on_before_what_is_held_is_used_up() -> None:
    parts: list[bytes] = []
    stream = Gate(FINDER).stream(parts.append)
    stream.write(b"line\n" * (HELD_BYTES // 5))
    assert parts == []
    stream.write(b"line\n")
    assert HELD_BYTES - 2 * TAIL_BYTES < len(b"".join(parts)) <= HELD_BYTES - TAIL_BYTES
    stream.flush()
    assert b"".join(parts) == b"line\n" * (HELD_BYTES // 5 + 1)


def test_threads_may_share_a_gate() -> None:
    gate = Gate(FINDER)
    text = f"WHERE a = 'b' AND c = '{EMAIL.decode()}'\n" * 50
    with ThreadPoolExecutor(4) as threads:
        outputs = set(threads.map(gate.clean, [text] * 40))
    assert outputs == {"WHERE a = ? AND c = [removed: users.email]\n" * 50}
    assert gate.take() == (Removal(("users.email",), 2000),)


def test_a_planted_token_is_found_again_in_any_encoding() -> None:
    tokens = canaries.planted(3, Random(1))
    assert len(set(tokens)) == 3
    assert all(len(token) == 20 and token.isalnum() for token in tokens)
    artefact = b"log line\n" * 300_000
    assert not canaries.found(artefact[:9000], tokens)
    for hidden in (tokens[0].encode(), base64.b64encode(b"x" + tokens[2].encode()), tokens[1].encode().hex().encode()):
        assert canaries.found(artefact[:9000] + hidden + artefact[:90], tokens)
    assert not canaries.found(artefact[:9000] + tokens[0][:7].encode(), tokens)


def test_a_planted_token_is_found_where_two_blocks_meet() -> None:
    token = canaries.planted(1, Random(2))[0]
    encoded = base64.b64encode(token.encode())
    for before in range((1 << 20) - len(encoded), 1 << 20, 9):
        assert canaries.found(b" " * before + encoded + b" ", [token])


def test_a_literal_that_goes_on_when_what_is_held_is_used_up_is_removed_in_each_part() -> None:
    filler = b"INFO  [alembic.runtime.migration] Running upgrade\n"
    for before in range(3 * TAIL_BYTES - 200, 3 * TAIL_BYTES + 200, 3):
        lines = (filler * (before // len(filler) + 1))[
            :before
        ] + b"\nUPDATE t SET a = 'Hafen 17b\nKiel 24103\nGermany'\n"
        output = streamed([lines + filler * 40], held_bytes=4 * TAIL_BYTES)
        assert not [word for word in (b"Hafen", b"Kiel", b"Germany") if word in output]
        assert output.endswith(filler * 40)


def test_an_encoded_value_is_removed_each_time_it_comes() -> None:
    encoded = base64.b64encode(EMAIL)
    block = b"line\n" * TAIL_BYTES + encoded + b"\n"
    assert streamed([block] * 4, held_bytes=4 * TAIL_BYTES).count(b"[removed: users.email]") == 4
