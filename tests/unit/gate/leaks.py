"""Confidential values, the ways in which they come out, and a judge of what has come out of the gate.

Nothing here is the gate's own: the encodings are those of the standard library, and the judge looks for each piece of
eight characters of a value in each of them.
"""

from __future__ import annotations

import base64
import html
import json
import pprint
import textwrap
import traceback
import urllib.parse
import warnings
from collections.abc import Callable
from xml.sax import saxutils

PIECE_CHARACTERS = 8

VALUES = {
    "a name": "Margarethe Vollbrecht",
    "an e-mail address": "m.vollbrecht+shop@example-mail.org",
    "an address of several lines": "Margarethe Vollbrecht\r\nAm Alten Hafen 17b\n24103 Kiel\nGermany",
    "Cyrillic": "Екатерина Вознесенская, ул. Садовая 12",
    "Chinese": "東京都千代田区丸の内一丁目の山田太郎",
    "Latin beyond ASCII": "Jürgen Größmann, Straße des 17. Juni 135",
    "beyond the basic plane": "Zoë 🦊🦔🐙🦉🐳 likes \U0001d518\U0001d52b\U0001d526\U0001d520",
    "quotes": "O'Brien \"Bob\" & Sons' `Best` <Shop>",
    "backslashes": "C:\\Users\\margarethe\\new\\table\\x41\\054",
    "tabs": "Margarethe\tVollbrecht\t1971-03-05\tKiel",
    "NULs": "left\0right\0012\0\0and more of it",
    "eight characters": "Vollbrec",
    "a number": "4929 1182 7345 0917",
    "a large document": json.dumps(
        [
            {"row": row, "holder": f"person {row * 7919 % 10007}", "iban": f"DE{row * 104729 % 10**9:09}"}
            for row in range(600)
        ]
    ),
}


def _base64_lines(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


def _mysql(text: str) -> str:
    escapes = {"\0": "\\0", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1a": "\\Z", "'": "\\'", '"': '\\"', "\\": "\\\\"}
    return "".join(escapes.get(character, character) for character in text)


def _entities(text: str, written: str) -> str:
    return "".join(written.format(ord(character)) for character in text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 in lines": _base64_lines,
    "base64 in lines of MIME": lambda text: _base64_lines(text).replace("\n", "\r\n"),
    "base64 in indented lines of 64": lambda text: textwrap.fill(
        base64.b64encode(text.encode()).decode(), 64, initial_indent="    ", subsequent_indent="    "
    ),
    "base64 of a longer text (1)": lambda text: base64.b64encode(b"x" + text.encode() + b"yz").decode(),
    "base64 of a longer text (2)": lambda text: base64.b64encode(b"ab" + text.encode() + b"y").decode(),
    "base64 cut off at its beginning": lambda text: base64.b64encode(b"0123456" + text.encode()).decode()[7:],
    "base64 after a path": lambda text: "/data/" + base64.b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, upper case": lambda text: text.encode().hex().upper(),
    "hexadecimal, shifted": lambda text: "a" + text.encode().hex(),
    "hexadecimal with 0x": lambda text: "0x" + text.encode().hex(),
    "hexadecimal of SQL": lambda text: f"X'{text.encode().hex().upper()}'",
    "hexadecimal in lines": lambda text: "\n".join(textwrap.wrap(text.encode().hex(), 60)),
    "hexadecimal with colons": lambda text: text.encode().hex(":"),
    "hexadecimal with spaces": lambda text: text.encode().hex(" ").upper(),
    "hexadecimal escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "hexadecimal escapes, upper case": lambda text: "".join(f"\\x{byte:02X}" for byte in text.encode()),
    "octal escapes": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "URL encoding": urllib.parse.quote,
    "URL encoding with plus": urllib.parse.quote_plus,
    "URL encoding of everything": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "JSON": lambda text: json.dumps(text),
    "JSON with UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON, everything escaped": lambda text: "".join(
        f"\\u{unit:04X}" for unit in memoryview(text.encode("utf-16-le")).cast("H")
    ),
    "repr": repr,
    "ascii": ascii,
    "repr of bytes": lambda text: repr(text.encode()),
    "MySQL": _mysql,
    "SQL's doubled quotes": lambda text: "'" + text.replace("'", "''") + "'",
    "CSV": lambda text: '"' + text.replace('"', '""') + '"',
    "HTML": html.escape,
    "HTML, decimal": lambda text: _entities(text, "&#{};"),
    "HTML, hexadecimal": lambda text: _entities(text, "&#x{:x};"),
    "HTML, hexadecimal, upper case": lambda text: _entities(text, "&#X{:04X};"),
    "XML": lambda text: saxutils.quoteattr(text),
    "UTF-16, little end first": lambda text: text.encode("utf-16-le").decode("utf-8", "surrogateescape"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be").decode("utf-8", "surrogateescape"),
}

NESTED = (
    ("JSON", "JSON"),
    ("repr", "repr"),
    ("repr of bytes", "JSON"),
    ("JSON", "base64"),
    ("base64", "base64"),
    ("base64 in lines", "JSON"),
    ("base64 in lines", "repr"),
    ("base64", "URL encoding with plus"),
    ("hexadecimal", "base64"),
    ("base64", "hexadecimal"),
    ("URL encoding", "JSON"),
    ("URL encoding with plus", "URL encoding"),
    ("JSON", "HTML"),
    ("HTML", "JSON"),
    ("MySQL", "repr"),
    ("MySQL", "SQL's doubled quotes"),
    ("repr", "HTML"),
    ("hexadecimal escapes", "JSON"),
    ("XML", "JSON"),
)
"""The first is within the second."""


def _raised(text: str) -> str:
    try:
        raise ValueError(f"cannot migrate {text}")
    except ValueError:
        return traceback.format_exc()


def _warned(text: str) -> str:
    return warnings.formatwarning(f"row {text} is odd", UserWarning, "migrations/0009_note.py", 17, "    upgrade()")


CARRIERS: dict[str, Callable[[str], str]] = {
    "a print": lambda text: f"{text}\n",
    "an exception": lambda text: f"ValueError: invalid literal for int() with base 10: {text!r}",
    "a warning": _warned,
    "a traceback": _raised,
    "a dict's repr": lambda text: f"row: { ({'id': 5, 'email': text})!r}\n",
    "a tuple's repr": lambda text: f"{(5, text, None)!r}\n",
    "a pretty print": lambda text: pprint.pformat({"id": 5, "rows": [text, text]}),
    "bytes' repr": lambda text: f"{(5, text.encode('utf-8', 'surrogateescape'))!r}\n",
    "a statement": lambda text: f"INSERT INTO users (id, email) VALUES (5, '{_mysql(text)}');\n",
    "a statement without its quotes": lambda text: f"DELETE FROM users WHERE email = {text}\n",
    "the comment of a column": lambda text: "ALTER TABLE `users` ADD `x` INT COMMENT '{}'\n".format(
        text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    ),
    "the name of a table": lambda text: (
        f"CREATE TABLE `{text.replace('`', '``')}` (id INTEGER NOT NULL, PRIMARY KEY (id))\n"
    ),
    "a message of the server": lambda text: f"(1062, \"Duplicate entry '{text}' for key 'email'\")\n",
    "JUnit": lambda text: f"<failure message={saxutils.quoteattr(text)}>{saxutils.escape(text)}</failure>\n",
    "HTML": lambda text: f'<td title="{html.escape(text)}">{html.escape(text)}</td>\n',
    "a JSON document": lambda text: json.dumps({"findings": [{"message": f"row {text}"}]}, indent=1),
    "the middle of a line": lambda text: f"2026-11-21 16:06:36,123 INFO moved {text} to the new table (5 left)\n",
}


def pieces(value: str) -> set[str]:
    return {value[at : at + PIECE_CHARACTERS] for at in range(len(value) - PIECE_CHARACTERS + 1)}


def leaked(output: bytes, value: str) -> list[tuple[str, str]]:
    """The first of the pieces of `value` that `output` has, and the encodings in which it has it.

    Of a long value, about a thousand pieces are looked for.
    """
    found = []
    compact = bytes(byte for byte in output if byte not in b"\r\n\t ")
    lower = output.lower()
    for piece in sorted(pieces(value))[:: len(value) // 1000 + 1]:
        raw = piece.encode()
        forms: dict[str, tuple[bytes, bytes]] = {
            "plain": (raw, output),
            "hexadecimal": (raw.hex().encode(), lower),
            "hexadecimal in lines": (raw.hex().encode(), compact.lower()),
            "hexadecimal with colons": (raw.hex(":").encode(), lower),
            "hexadecimal with spaces": (raw.hex(" ").encode(), lower),
            "hexadecimal escapes": ("".join(f"\\x{byte:02x}" for byte in raw).encode(), lower),
            "octal escapes": ("".join(f"\\{byte:03o}" for byte in raw).encode(), output),
            "URL encoding": (urllib.parse.quote(piece).encode(), output),
            "URL encoding with plus": (urllib.parse.quote_plus(piece).encode(), output),
            "URL encoding of everything": ("".join(f"%{byte:02x}" for byte in raw).encode(), lower),
            "JSON": (json.dumps(piece)[1:-1].encode(), output),
            "JSON with UTF-8": (json.dumps(piece, ensure_ascii=False)[1:-1].encode(), output),
            "JSON, everything escaped": (ENCODINGS["JSON, everything escaped"](piece).lower().encode(), lower),
            "repr": (repr(piece)[1:-1].encode("utf-8", "surrogateescape"), output),
            "ascii": (ascii(piece)[1:-1].encode(), output),
            "repr of bytes": (repr(raw)[2:-1].encode(), output),
            "MySQL": (_mysql(piece).encode(), output),
            "doubled quotes": (piece.replace("'", "''").encode(), output),
            "CSV": (piece.replace('"', '""').encode(), output),
            "HTML": (html.escape(piece).encode(), output),
            "XML": (saxutils.escape(piece, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}).encode(), output),
            "HTML, decimal": (_entities(piece, "&#{};").encode(), output),
            "HTML, hexadecimal": (_entities(piece, "&#x{:x};").encode(), lower),
            "UTF-16": (piece.encode("utf-16-le"), output),
            "UTF-16, big end first": (piece.encode("utf-16-be"), output),
        }
        for encoding, (form, place) in forms.items():
            if form in place:
                found.append((encoding, piece))
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw)
            whole = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
            if whole in compact or whole.translate(bytes.maketrans(b"+/", b"-_")) in compact:
                found.append((f"base64 at {shift}", piece))
        if found:
            break
    return found
