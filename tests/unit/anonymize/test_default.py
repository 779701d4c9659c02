"""Values that the server computes anew."""

from __future__ import annotations

from anonymize.ops import Default, Program, Slot
from anonymize.sql import Grammar
from anonymize.twin.rows import Rows


def test_every_value_becomes_the_word_default_also_null_and_an_expression() -> None:
    rows = Rows(Program((None, Slot(Default()))), Grammar())
    assert rows.rewrite(b"(1,'a'),(2,NULL),(3,''),(4,DEFAULT),(5,lower('x,y'));", 0) == (
        b"(1,DEFAULT),(2,DEFAULT),(3,DEFAULT),(4,DEFAULT),(5,DEFAULT);",
        53,
        True,
    )
