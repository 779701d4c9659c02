"""Values that the server computes anew."""

from __future__ import annotations

import pytest

from anonymize.engine import engines
from anonymize.ops import Constant, Default, Program, Slot
from anonymize.sql import Grammar


@pytest.mark.parametrize("engine", engines())
def test_every_value_becomes_the_word_default_also_null_and_an_expression(engine: str) -> None:
    program = Program((None, Slot(Default()), Slot(Constant(b"x"))))
    rows = engines()[engine].Rows(program, Grammar())
    dump = b"(1,'a','b'),(2,NULL,NULL),(3,'',''),(4,Default,'b'),(5,lower('x,y'),'b');"
    new, end, ended = rows.rewrite(dump, 0)
    assert bytes(new) == b"(1,DEFAULT,'x'),(2,DEFAULT,NULL),(3,DEFAULT,'x'),(4,Default,'x'),(5,DEFAULT,'x');"
    assert (end, ended) == (len(dump), True)
    assert rows.replaced == [0, 4, 4]


@pytest.mark.parametrize("engine", engines())
def test_it_is_a_word_of_sql_and_no_value(engine: str) -> None:
    with pytest.raises(TypeError):
        engines()[engine].apply(Default())
