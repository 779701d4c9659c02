"""What is decided for every column, and what is foretold."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from anonymize.decisions import Decision, Origin, Plan, Problem
from anonymize.dumps.create import create
from anonymize.errors import CheckFailed, Unreadable
from anonymize.finding import finder
from anonymize.markup import Markup, Rule, TableMarkup
from anonymize.ops import Default, Null, Program, Shift, Slot
from anonymize.plan import Planner
from anonymize.rules import rule
from anonymize.schema import Schema, Table
from tests.unit.anonymize.small_kinds import KEY, small_kinds

USERS = "CREATE TABLE users (id int PRIMARY KEY, email varchar(200), name varchar(50))"
ALL = {"id": "integer", "email": "email", "name": "text"}


def markup(**tables: Mapping[str, object]) -> Markup:
    """Tables by name; in each the columns, "*" and "like"."""
    return Markup({name: _table(name, said) for name, said in tables.items()})


def _table(name: str, said: Mapping[str, object]) -> TableMarkup:
    rules = {
        column: rule(one, f"m.toml:{place}", column, small_kinds)
        for place, (column, one) in enumerate(said.items(), 1)
        if column != "like"
    }
    rest = rules.pop("*", None)
    return TableMarkup(rules, rest, str(said["like"]) if "like" in said else None, f"m.toml:{name}")


def tables(*texts: str) -> list[Table]:
    return [create(text, "d.sql", line) for line, text in enumerate(texts, 1)]


def plan(said: Markup, *texts: str) -> Plan:
    made = tables(*texts)
    return Planner(said, small_kinds, KEY).schema(Schema({table.name: table for table in made}))


def decision(made: Plan, table: str, column: str) -> Decision:
    return next(one for one in made.tables[table].decisions if one.column.name == column)


def only(made: Plan) -> Problem:
    (problem,) = made.problems
    return problem


def test_every_column_is_kept_or_replaced_as_its_table_says() -> None:
    made = plan(markup(users={**ALL, "id": "keep"}), USERS)
    assert not made.problems
    assert [one.kind for one in made.tables["users"].decisions] == ["keep", "email", "text"]
    assert [one.replaced for one in made.tables["users"].decisions] == [False, True, True]


def test_an_unmarked_column_is_an_error_that_holds_the_line_to_add() -> None:
    made = plan(markup(users={"id": "keep", "name": "text"}), USERS)
    assert only(made) == Problem(
        "unmarked",
        "nothing is said of users.email",
        'add this, or a kind that replaces it, under [tables.users]: email = "keep"',
        "users",
        "email",
        "d.sql:1",
    )
    assert decision(made, "users", "email").kind == ""
    with pytest.raises(CheckFailed, match=r"nothing is said of users\.email"):
        made.tables["users"].program(None)


def test_a_table_that_the_markup_does_not_know_is_one_error_with_all_its_lines() -> None:
    problem = only(plan(markup(users=ALL), USERS, "CREATE TABLE `my logs` (`id` int, `like` text)"))
    assert (problem.id, problem.message) == ("unknown-table", "table my logs is not in the markup")
    assert problem.hint.endswith('\n[tables."my logs"]\nid = "keep"\nlike = { kind = "keep" }')


def test_markup_for_a_table_or_column_that_is_not_there_names_the_nearest() -> None:
    made = plan(markup(users={**ALL, "e_mail": "email"}, usesr={"id": "keep"}), USERS)
    assert [(one.id, one.hint, one.place) for one in made.problems] == [
        ("no-such-column", "did you mean 'email'?", "m.toml:4"),
        ("no-such-table", "did you mean 'users'?", "m.toml:usesr"),
    ]


def test_the_letters_case_of_names_does_not_count() -> None:
    made = plan(markup(Users={"ID": "integer", "Email": "email", "NAME": "text"}), USERS)
    assert not made.problems
    assert [one.kind for one in made.tables["users"].decisions] == ["integer", "email", "text"]


def test_of_two_tables_whose_names_differ_in_case_each_has_its_own_markup() -> None:
    made = plan(
        markup(users={"*": "keep"}, USERS={"*": "text"}), "CREATE TABLE users (a text)", "CREATE TABLE USERS (a text)"
    )
    assert decision(made, "users", "a").kind == "keep"
    assert decision(made, "USERS", "a").kind == "text"


def test_markup_that_names_a_table_with_its_database_and_without_is_an_error() -> None:
    said = markup(**{"users": ALL, "shop.users": {"*": "keep"}})
    made = tables("CREATE TABLE shop.users (id int PRIMARY KEY, email varchar(200), name varchar(50))")
    problems = Planner(said, small_kinds, KEY).table(made[0]).problems
    assert [problem.id for problem in problems if problem.severity == "error"] == ["named-twice"]
    assert "'users' and 'shop.users'" in problems[0].message


def test_a_star_is_for_what_is_not_named() -> None:
    made = plan(markup(users={"email": "email", "*": "keep"}), USERS)
    assert decision(made, "users", "name").origin is Origin.REST
    assert decision(made, "users", "email").origin is Origin.OWN


def test_a_table_like_another_has_its_markup_but_for_what_it_says_itself() -> None:
    made = plan(
        markup(users=ALL, shadow_users={"like": "users", "name": "keep"}), USERS, USERS.replace("users", "shadow_users")
    )
    assert not made.problems
    inherited = decision(made, "shadow_users", "email")
    assert (inherited.kind, inherited.origin, inherited.source) == ("email", Origin.LIKE, "users")
    assert decision(made, "shadow_users", "name").kind == "keep"
    assert only(plan(markup(users={"like": "people", **ALL}), USERS)).message == (
        "table users is like people, of which the markup says nothing"
    )


ORDERS = "CREATE TABLE orders (id int PRIMARY KEY, user int, FOREIGN KEY (user) REFERENCES users (id))"
KEYS = """CREATE TABLE logins (mail varchar(60), at datetime,
  FOREIGN KEY (mail) REFERENCES users (email))"""


def test_a_foreign_key_inherits_from_the_column_that_it_refers_to() -> None:
    made = plan(markup(users=ALL, orders={"id": "keep"}), ORDERS, USERS)
    assert not made.problems
    inherited = decision(made, "orders", "user")
    assert (inherited.kind, inherited.origin, inherited.source) == ("integer", Origin.FOREIGN_KEY, "users.id")
    assert inherited.op == decision(made, "users", "id").op


def test_what_is_inherited_is_made_for_the_column_referred_to_so_that_both_have_the_same_values() -> None:
    made = plan(markup(users=ALL, logins={"at": "keep"}), KEYS, USERS)
    assert not made.problems
    assert decision(made, "logins", "mail").op == decision(made, "users", "email").op


def test_a_foreign_key_inherits_in_spite_of_a_star_through_several_tables_and_from_what_is_like() -> None:
    items = "CREATE TABLE items (user int, FOREIGN KEY (user) REFERENCES orders (user))"
    shadow = "CREATE TABLE shadow_orders (id int, user int)"
    said = markup(users=ALL, orders={"*": "keep"}, items={"*": "keep"}, shadow_orders={"like": "orders"})
    made = plan(said, items, ORDERS, shadow, USERS)
    assert not made.problems
    assert decision(made, "items", "user").kind == "integer"
    assert decision(made, "items", "user").source == "orders.user"
    assert decision(made, "shadow_orders", "user").op == decision(made, "users", "id").op


def test_a_foreign_key_that_names_no_columns_refers_to_the_primary_key() -> None:
    made = plan(markup(users=ALL), USERS, "CREATE TABLE likes (user int REFERENCES users)")
    assert decision(made, "likes", "user").source == "users.id"


def test_tables_that_refer_to_each_other_in_a_circle_are_unmarked_and_not_endless() -> None:
    circle = ("CREATE TABLE a (x int REFERENCES b (x))", "CREATE TABLE b (x int REFERENCES a (x))")
    assert [one.id for one in plan(markup(), *circle).problems] == ["unknown-table", "unknown-table"]


def test_of_a_table_without_markup_that_inherits_for_some_columns_the_others_are_unmarked() -> None:
    made = plan(markup(users=ALL), USERS, ORDERS)
    assert (only(made).id, only(made).column) == ("unmarked", "id")
    assert decision(made, "orders", "user").kind == "integer"


def test_two_sides_of_a_foreign_key_that_would_be_replaced_differently_are_a_problem() -> None:
    made = plan(markup(users=ALL, orders={"*": "keep", "user": "keep"}), ORDERS, USERS)
    assert only(made).id == "foreign-key"
    assert only(made).message == (
        "orders.user: it is kept, and users.id, which it refers to, is replaced by 'integer': "
        "they would not join any more"
    )
    assert not plan(markup(users=ALL, orders={"id": "keep", "user": "integer"}), ORDERS, USERS).problems
    other = {"kind": "integer", "meaning": "order"}
    assert plan(markup(users=ALL, orders={"id": "keep", "user": other}), ORDERS, USERS).problems


def test_functions_of_one_kind_with_one_shape_of_column_are_the_same_on_both_sides() -> None:
    texts = ("CREATE TABLE o (u int, FOREIGN KEY (u) REFERENCES users (id))", USERS)
    assert not plan(markup(users={**ALL, "id": "own"}, o={"u": "own"}), *texts).problems


def test_a_unique_key_whose_values_may_become_equal_is_foretold() -> None:
    unique = "CREATE TABLE users (org int, name varchar(50), mail varchar(200), UNIQUE KEY (org, name), UNIQUE (mail))"
    made = plan(markup(users={"org": "keep", "name": "text", "mail": "email"}), unique)
    assert only(made).message == (
        "the unique key (org, name) of users may clash: name (text) can become equal for different values"
    )
    assert only(made).severity == "error"
    warned = plan(markup(users={"org": "integer", "name": "text", "mail": "email"}), unique)
    assert only(warned).severity == "warning"
    assert not warned.errors
    assert not plan(markup(users={"org": "keep", "name": "null", "mail": "email"}), unique).problems


def test_a_unique_key_that_holds_one_that_stays_unique_does_not_clash() -> None:
    made = plan(
        markup(t={"id": "integer", "name": "text"}), "CREATE TABLE t (id int UNIQUE, name text, UNIQUE (id, name))"
    )
    assert not made.problems


@pytest.mark.parametrize(
    ("column", "said", "id", "message"),
    [
        ("c varchar(30)", "email", "length", "t.c: the kind 'email' makes values of 44"),
        ("c varchar(9)", "email", "kind", "t.c cannot be 'email': its results need 20 characters, and it holds 9"),
        ("c varchar(9)", "integer", "type", "t.c cannot be 'integer': a column of type varchar was marked as one"),
        ("c int NOT NULL", "null", "null", "t.c: it would become NULL, and is NOT NULL"),
        ("c datetime", {"kind": "datetime", "subject": "usr"}, "subject", "t.c: its subject is usr, which the table"),
        ("c int AS (id + 1)", "integer", "generated", "t.c is computed by the server, so it cannot be 'integer'"),
    ],
)  # fmt: skip
def test_a_kind_that_does_not_fit_its_column_is_foretold(column: str, said: object, id: str, message: str) -> None:
    problem = only(
        plan(markup(t={"id": "keep", "user": "keep", "c": said}), f"CREATE TABLE t (id int, user int, {column})")
    )
    assert (problem.id, problem.place) == (id, "m.toml:3")
    assert problem.message.startswith(message)
    assert problem.hint


def test_a_kind_whose_results_may_be_longer_than_their_values_is_a_warning_where_the_column_has_a_limit() -> None:
    said = markup(t={"a": "longer", "b": "longer"})
    problem = only(plan(said, "CREATE TABLE t (a varchar(9), b json)"))
    assert (problem.id, problem.column, problem.severity) == ("length", "a", "warning")


GENERATED = """CREATE TABLE users (id int PRIMARY KEY, email varchar(200), name varchar(50),
  low varchar(200) AS (lower(`email`)) VIRTUAL, lower2 varchar(200) AS (concat(low, 'name')) STORED,
  twice int AS (id * 2), UNIQUE (lower2))"""


def test_a_generated_column_that_mentions_a_replaced_one_is_computed_anew_and_needs_no_markup() -> None:
    made = plan(markup(users={**ALL, "id": "keep", "low": "keep"}), GENERATED)
    assert not made.problems
    assert [(one.kind, one.source) for one in made.tables["users"].decisions[3:]] == [
        ("default", "email"),
        ("default", "low"),
        ("keep", ""),
    ]
    assert made.tables["users"].program(None).slots[3:] == (Slot(Default()), Slot(Default()), None)


def test_a_unique_generated_column_of_a_lossy_one_may_clash() -> None:
    unique = GENERATED.replace("UNIQUE (lower2)", "UNIQUE (low)")
    assert not plan(markup(users={**ALL, "id": "keep"}), unique).problems
    assert only(plan(markup(users={**ALL, "email": "text", "id": "keep"}), unique)).id == "unique"
    assert only(plan(markup(users={**ALL, "email": "text", "id": "keep"}), GENERATED)).id == "unique"


EVENTS = """CREATE TABLE events (user int, at datetime, hidden int INVISIBLE, body blob, note text)"""
EVENTS_MARKUP = markup(
    events={
        "user": "integer",
        "at": {"kind": "datetime", "subject": "USER"},
        "hidden": "keep",
        "body": "text",
        "*": "null",
    }
)


def test_a_program_has_the_columns_in_the_order_of_the_inserts_list_in_any_case() -> None:
    made = plan(EVENTS_MARKUP, EVENTS).tables["events"]
    user, at, _, body, _ = (one.op for one in made.decisions)
    assert user is not None
    assert body is not None
    assert isinstance(at, Shift)
    assert made.program(["note", "AT", "hidden", "User"]) == Program((Slot(Null()), Slot(at, 3), None, Slot(user)))
    assert made.program(None) == Program((Slot(user), Slot(at, 0), Slot(body, None, True), Slot(Null())))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["user", "nope"], "a row of events has a column nope, which the table has not"),
        (["user", "USER"], "the rows of events have column USER twice"),
        (["at"], "the rows of events have no column USER, which at is shifted by"),
    ],
)
def test_a_list_of_columns_that_does_not_fit_the_table_is_refused(columns: list[str], message: str) -> None:
    with pytest.raises(Unreadable) as caught:
        plan(EVENTS_MARKUP, EVENTS).tables["events"].program(columns)
    assert caught.value.message == message


def test_planned_one_at_a_time_a_table_inherits_by_markup_from_one_that_comes_later() -> None:
    orders, users = tables(ORDERS, USERS)
    planner = Planner(markup(users=ALL, orders={"id": "keep"}), small_kinds, KEY)
    early, late = planner.table(orders), planner.table(users)
    assert not early.problems
    assert early.decisions[1].kind == "integer"
    assert planner.finish([early, late]) == ()


def test_what_was_treated_otherwise_than_the_table_that_came_later_is_a_problem_at_the_end() -> None:
    logins, users = tables(KEYS, USERS)
    planner = Planner(markup(users=ALL, logins={"at": "keep"}), small_kinds, KEY)
    early, late = planner.table(logins), planner.table(users)
    assert not early.problems
    (problem,) = planner.finish([early, late])
    assert (problem.id, problem.column) == ("foreign-key", "mail")
    assert problem.hint == "name the tables ahead with --schema"
    assert planner.finish([planner.table(logins, finder([users])), late]) == ()


def test_the_end_tells_of_markup_that_matched_nothing() -> None:
    (users,) = tables(USERS)
    planner = Planner(markup(users=ALL, logs={"*": "keep"}), small_kinds, KEY)
    assert [one.id for one in planner.finish([planner.table(users)])] == ["no-such-table"]


def test_markup_may_name_the_database() -> None:
    (users,) = tables(USERS.replace("users", "shop.users"))
    said = Markup({"shop.users": TableMarkup({}, Rule("keep")), "users": TableMarkup({}, Rule("text"))})
    planned = Planner(said, small_kinds, KEY).table(users)
    assert {one.kind for one in planned.decisions} == {"keep"}
