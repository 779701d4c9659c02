"""What is removed whoever it belongs to, and what stays so that a log can be read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migci.adapters.gate.gate import Gate

REMOVED = {
    "a password in an option": ("mysql --password=hunter2 shop", "mysql --password=[removed] shop"),
    "a password after an option": ("mysql --db-password hunter2 shop", "mysql --db-password [removed] shop"),
    "a password in a setting": ("password = hunter2", "password = [removed]"),
    "a password in quotes": ("{'db_password': 'hun ter2', 'x': 1}", "{'db_password': '[removed]', 'x': 1}"),
    "a password in JSON": ('{"password": "a\\"b", "x": 1}', '{"password": "[removed]", "x": 1}'),
    "a password in JSON in JSON": ('"{\\"passwd\\": \\"hunter2\\"}"', '"{\\"passwd\\": \\"[removed]\\"}"'),
    "a password like a placeholder": (
        "password=?abc password=:abc- password=**x",
        "password=[removed] password=[removed] password=[removed]",
    ),
    "a key in the environment": ("AWS_SECRET_ACCESS_KEY=ab/c+d", "AWS_SECRET_ACCESS_KEY=[removed]"),
    "an account's password": ("CREATE USER x IDENTIFIED BY 'hunter2'", "CREATE USER x IDENTIFIED BY [removed]"),
    "a header": ("Authorization: Basic dXNlcjpwdw==", "Authorization: [removed]"),
    "a bearer": ("curl sends bearer abc.def-ghi", "curl sends bearer [removed]"),
    "credentials in a URL": ("at mysql+pymysql://root:p@ss@db:3306/x", "at mysql+pymysql://[removed]@db:3306/x"),
    "a password alone in a URL": ("at redis://:pw@db/0", "at redis://[removed]@db/0"),
    "a private key": (
        "key:\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE+/x=\n-----END RSA PRIVATE KEY-----\nok",
        "key:\n[removed]\nok",
    ),
    "a private key in one line": (
        '"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n"',
        '"[removed]\\n"',
    ),
    "a private key without an end": (
        "-----BEGIN EC PRIVATE KEY-----\nMIIE+/x=\nhere the log goes on: 5",
        "[removed]\nhere the log goes on: 5",
    ),
    "an access key": ("with AKIAIOSFODNN7EXAMPLE.", "with [removed]."),
    "a token of GitHub": ("ghp_" + "a1B2" * 9, "[removed]"),
    "a token of GitLab": ("glpat-" + "a1B2_" * 4, "[removed]"),
    "a token of Slack": ("xoxb-1234567890-abcdefghij", "[removed]"),
    "a web token": ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjf-_x ok", "got [removed] ok"),
    "parameters": ("[parameters: {'email': 'x', 'id': 5}]", "[parameters: ?]"),
    "parameters of an echo": (
        "2026-11-21 16:00:00,100 INFO sqlalchemy.engine.Engine [generated in 0.00012s] ('a', 5)",
        "2026-11-21 16:00:00,100 INFO sqlalchemy.engine.Engine [generated in 0.00012s] ?",
    ),
    "parameters of a cached statement": ("[cached since 1.2s ago] {'a': 5}", "[cached since 1.2s ago] ?"),
    "parameters of an older echo": (
        "INFO  [sqlalchemy.engine.base.Engine] {'id_1': 5}",
        "INFO  [sqlalchemy.engine.base.Engine] ?",
    ),
    "a value that is there twice": (
        "(1062, \"Duplicate entry 'it's-5' for key 'users.email'\")",
        "(1062, \"Duplicate entry '?' for key 'users.email'\")",
    ),
    "a value of several lines that is there twice": (
        "Duplicate entry 'Main Street\nKiel' for key 'address'",
        "Duplicate entry '?' for key 'address'",
    ),
    "an incorrect value": (
        "Incorrect integer value: 'abc' for column `shop`.`users`.`age` at row 1",
        "Incorrect integer value: '?' for column `shop`.`users`.`age` at row 1",
    ),
    "an incorrect string": (
        "Incorrect string value: '\\xF0\\x9F' for column 'name' at row 3",
        "Incorrect string value: '?' for column 'name' at row 3",
    ),
    "a value that is cut": ("Truncated incorrect DOUBLE value: 'abc'", "Truncated incorrect DOUBLE value: '?'"),
    "what a syntax error is near": (
        "You have an error in your SQL syntax near ''x' WHERE id = 5' at line 1",
        "You have an error in your SQL syntax near '?' at line 1",
    ),
    "a statement's literals": (
        "UPDATE users SET a='x''y', b = -5.2e3, c=0xAF WHERE id IN (7, x'4142') AND d=\"q\"; then 5 of 'them'",
        "UPDATE users SET a=?, b = -?, c=? WHERE id IN (?, ?) AND d=?; then 5 of 'them'",
    ),
    "rows": ("INSERT INTO `t` (`a1`) VALUES\n(1,'a'),\n(2,NULL);", "INSERT INTO `t` (`a1`) VALUES\n(?,?),\n(?,NULL);"),
    "a string of several lines": (
        "SELECT a\nFROM b\nWHERE c = 'x\ny' AND d = 5\nINFO 5 'rows'",
        "SELECT a\nFROM b\nWHERE c = ? AND d = ?\nINFO 5 'rows'",
    ),
    "a string without an end": ("SELECT 'abc def", "SELECT ?"),
    "a statement in a source": (
        "    op.execute(\"UPDATE t SET a='x' WHERE b=5\")  # 'twice' 5",
        "    op.execute(\"UPDATE t SET a=? WHERE b=?\")  # 'twice' 5",
    ),
    "a statement in a repr": (
        "execute('UPDATE t SET a=\\'x\\' WHERE b=5') 5",
        "execute('UPDATE t SET a=? WHERE b=?') 5",
    ),
    "a definition": (
        "CREATE TABLE x (\n\tid INT(11) DEFAULT 0,\n\tname VARCHAR(255) DEFAULT 'a' COMMENT 'b'\n)\n\nfoo 'bar' 5",
        "CREATE TABLE x (\n\tid INT(11) DEFAULT 0,\n\tname VARCHAR(255) DEFAULT ? COMMENT ?\n)\n\nfoo 'bar' 5",
    ),
    "an error as SQLAlchemy tells it": (
        "[SQL: INSERT INTO users (email, age) VALUES (%(email)s, 5)]\n(Background on this error at: https://sqlalche.me/e/20/gkpj)",
        "[SQL: INSERT INTO users (email, age) VALUES (%(email)s, ?)]\n(Background on this error at: https://sqlalche.me/e/20/gkpj)",
    ),
}
STAYS = {
    "placeholders": "UPDATE users SET password=%(password)s, a=?, b=%s WHERE id = :id",
    "a column that is too short": "Data too long for column 'x' at row 1",
    "a column without a default": "Field 'email' doesn't have a default value",
    "an unknown column": "(1054, \"Unknown column 'emial' in 'field list'\")",
    "a definition without strings": "ALTER TABLE `users` MODIFY `name` VARCHAR(255) NOT NULL, ALGORITHM=INPLACE",
    "prose with a verb": "Update customer's names for 'all' of 5 tables, and select the user's row",
    "a step": "INFO  [alembic.runtime.migration] Running upgrade 0007 -> 0008, Orders by customer",
    "a traceback": '  File "/x/0009.py", line 2, in up\n    op.add_column("users", sa.Column("secret", sa.Text))\n',
    "a time": "2026-11-21 16:06:36,123 INFO took 0.5 s, 5 rows (100 %)",
    "a URL without credentials": "see https://example.org:8080/a@b and ssh://git@example.org/x",
    "a column of passwords": "ALTER TABLE users ADD password VARCHAR(255), ADD token TEXT",
    "no parameters": "INFO sqlalchemy.engine.Engine [raw sql] {}",
}


@pytest.mark.parametrize("secret", REMOVED)
def test_a_secret_is_removed_and_what_names_it_stays(secret: str) -> None:
    text, expected = REMOVED[secret]
    assert Gate(None).clean(text) == expected
    assert Gate(None).clean(expected) == expected


@pytest.mark.parametrize("harmless", STAYS)
def test_what_is_no_secret_stays(harmless: str) -> None:
    assert Gate(None).clean(STAYS[harmless]) == STAYS[harmless]


def test_a_report_keeps_the_figures_that_stand_beside_its_statements() -> None:
    text = "slowest statement: SELECT a FROM b WHERE c = ? (0.144 s, 4,000 times), password=x"
    assert Gate(None).clean(text, literals=False) == text.replace("=x", "=[removed]")


def test_a_secret_in_a_line_of_a_known_shape_is_removed_too() -> None:
    gate = Gate(None)
    assert [gate.clean(f"WHERE id = {number}\npassword=abc{number}") for number in (1, 2)] == [
        "WHERE id = ?\npassword=[removed]"
    ] * 2


LINES = [*(text for name, (text, _) in REMOVED.items() if "without an end" not in name), *STAYS.values()]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(LINES)))
def test_what_has_passed_passes_again(texts: list[str]) -> None:
    gate = Gate(None)
    cleaned = gate.clean("\n".join(texts))
    assert gate.clean(cleaned) == cleaned
