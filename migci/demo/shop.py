"""Builds a git repository of a small shop, with a patch on top and a dump of made-up data to replay it on."""

from __future__ import annotations

import functools
import gzip
import json
import os
import random
import shutil
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from string import Template

import zstandard

from migci.demo import fixtures, repository
from migci.errors import MigciError, UsageError

CUSTOMERS, PRODUCTS, ORDERS, LINES = 4_000, 400, 20_000, 60_000

DUMPS = {"mariadb": "data/shop.sql.zst", "mysql": "data/shop.sql.zst", "sqlite": "data/shop.sql.gz"}
"""Where each flavor's dump is, compressed as its name says; git is told to ignore it, as it is no code."""

_OPTIONS = {
    "mariadb": 'options = ["--character-set-server=utf8mb4"]   # as the production server has them\n',
    "mysql": 'options = ["--innodb-buffer-pool-size=256M"]   # as the production server has them\n',
    "sqlite": "",
}
_SETTINGS = "migci.toml"
_ROWS_IN_AN_INSERT = 10_000
_SEED = 20_260_105
_OPENED = datetime(2024, 1, 1, 8)
_COMPILED = shutil.ignore_patterns("__pycache__")

_GIVEN = ("Ada", "Bo", "Chen", "Dana", "Eli", "Fatima", "Goran", "Hana", "Ines", "Jun", "Kofi", "Lena", "Mara", "Niko")
_FAMILY = ("Abe", "Berg", "Costa", "Diaz", "Eriksen", "Fischer", "Gupta", "Haas", "Ito", "Jansen", "Kaya", "O'Neill")
_KINDS = ("kettle", "lamp", "chair", "clock", "basket", "blanket", "teapot", "mirror", "shelf", "vase")
_COLOURS = ("white", "black", "red", "green", "blue", "grey", "oak", "brass")
_STATUSES = ("shipped",) * 16 + ("paid",) * 2 + ("placed",) + ("cancelled",)

_Value = int | str
_Row = tuple[_Value, ...]


def build(destination: Path, *, flavor: str, trait: str = "shop") -> None:
    """Make `destination` a git repository that `migci replay` can be run in.

    Its branch `main` holds the shop's eight migrations and a `migci.toml` for `flavor` ("mariadb", "mysql" or
    "sqlite"); `patch`, which is checked out, adds two more. The dataset `shop` is a dump at 0006, `empty` starts with
    no tables.
    Another `trait` is a folder in fixtures/projects whose `trunk` lies over the shop's, whose `patch`, if it has one,
    takes the place of the shop's, whose `landed` is what came to `main` after `patch` left it, and whose `other` is
    what the branch `other` has. Its `fixture.toml` may have `settings` (text that `migci.toml` gets besides),
    `server_options` (in place of the shop's), `removes` (files that the patch deletes) and `dump_bytes` (how much of
    the dump there is).

    The same arguments make the same commits and the same data. On failure nothing is left at `destination`. Raises
    UsageError if `destination` exists and is not an empty folder, or for an unknown trait or flavor, and MigciError
    if git or the disk fails.
    """
    if flavor not in DUMPS:
        raise UsageError(f"there is no shop for the flavor {flavor!r}", f"choose from {', '.join(DUMPS)}")
    about = fixtures() / trait
    if trait != "shop" and not (about / "fixture.toml").is_file():
        raise UsageError(f"there is no example project {trait!r}", f"see the folders in {fixtures()}")
    if os.path.lexists(destination) and not (destination.is_dir() and not any(destination.iterdir())):
        raise UsageError(f"{destination} exists already", "name a folder that does not exist")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{destination.name}-", dir=destination.parent) as work:
            tree = Path(work) / "repository"
            tree.mkdir()
            _fill(tree, about, flavor)
            if destination.is_dir():
                destination.rmdir()
            tree.rename(destination)
    except OSError as error:
        raise MigciError(
            f"could not build the shop at {destination}: {error}",
            f"make sure that {destination.parent} can be written and has 20 MB free",
        ) from error


def _fill(tree: Path, about: Path, flavor: str) -> None:
    shop = fixtures() / "shop"
    trait = {} if about == shop else tomllib.loads((about / "fixture.toml").read_text())
    repository.begin(tree, "main")
    (tree / ".gitignore").write_text("/.migci/\n/data/\n__pycache__/\n")
    _lay_over(tree, shop / "trunk")
    if about != shop:
        _lay_over(tree, about / "trunk")
    options = _OPTIONS[flavor]
    if "server_options" in trait:
        options = f"options = {json.dumps(trait['server_options'])}\n"
    text = (tree / _SETTINGS).read_text() + trait.get("settings", "")
    names = {"flavor": flavor, "dump": DUMPS[flavor], "options": options}
    (tree / _SETTINGS).write_text(Template(text).substitute(names))
    repository.commit(tree, "A small shop", "2026-01-05T12:00:00+00:00")
    repository.git(tree, "checkout", "--quiet", "-b", "patch")
    removes = trait.get("removes", [])
    for file in removes:
        (tree / file).unlink()
    own = about / "patch"
    _lay_over(tree, own if own.is_dir() or removes else shop / "patch")
    repository.commit(tree, trait.get("title", "Orders know their total"), "2026-01-06T12:00:00+00:00")
    if (about / "landed").is_dir():
        repository.git(tree, "checkout", "--quiet", "main")
        _lay_over(tree, about / "landed")
        repository.commit(tree, "What somebody else landed meanwhile", "2026-01-07T12:00:00+00:00")
        repository.git(tree, "checkout", "--quiet", "patch")
    if (about / "other").is_dir():
        repository.git(tree, "checkout", "--quiet", "-b", "other", "main")
        _lay_over(tree, about / "other")
        repository.commit(tree, "What somebody else proposes meanwhile", "2026-01-08T12:00:00+00:00")
        repository.git(tree, "checkout", "--quiet", "patch")
    dump = tree / DUMPS[flavor]
    dump.parent.mkdir()
    dump.write_bytes(_dump(flavor)[: trait.get("dump_bytes")])


def _lay_over(tree: Path, overlay: Path) -> None:
    """Files get the time of now: git takes one of the same size and the same old time for unchanged."""
    if overlay.is_dir():
        shutil.copytree(overlay, tree, dirs_exist_ok=True, ignore=_COMPILED, copy_function=shutil.copyfile)


@functools.cache
def _dump(flavor: str) -> bytes:
    """The dump, compressed. The times of day in a compressed file's head are left out, so it is always the same."""
    write = {"mariadb": _mariadb_rows, "mysql": _mysql_rows, "sqlite": _sqlite_rows}[flavor]
    skeleton = (fixtures() / "shop" / "dump" / f"{flavor}.sql").read_text()
    filled = {name: "\n".join(write(name, rows)) for name, rows in _tables().items()}
    text = Template(skeleton).substitute(filled).encode()
    return zstandard.compress(text, 3) if DUMPS[flavor].endswith(".zst") else gzip.compress(text, 6, mtime=0)


def _tables() -> dict[str, list[_Row]]:
    """The rows of every table; always the same ones, because Python keeps what `random()` gives for a seed."""
    pick = random.Random(_SEED).random  # noqa: S311 -- nothing secret is made here

    def below(limit: int) -> int:
        return int(pick() * limit)

    customers: list[_Row] = []
    for number in range(1, CUSTOMERS + 1):
        given, family = _GIVEN[below(len(_GIVEN))], _FAMILY[below(len(_FAMILY))]
        since = _OPENED + timedelta(hours=4 * number - below(4))
        address = f"{given}.{family}.{number}@example.org".lower().replace("'", "")
        customers.append((number, address, f"{given} {family}", str(since)))
    products: list[_Row] = []
    prices = [250 + 50 * below(600) for _ in range(PRODUCTS)]
    for number, price in enumerate(prices, start=1):
        name = f"{_COLOURS[below(len(_COLOURS))]} {_KINDS[below(len(_KINDS))]}"
        products.append((number, name, price, f"P-{number}"))
    orders: list[_Row] = []
    for number in range(1, ORDERS + 1):
        placed = _OPENED + timedelta(seconds=3000 * number + below(3000))
        orders.append((number, 1 + below(CUSTOMERS), _STATUSES[below(len(_STATUSES))], str(placed)))
    lines: list[_Row] = []
    for number in range(1, LINES + 1):
        product = 1 + below(PRODUCTS)
        order = number if number <= ORDERS else 1 + below(ORDERS)
        lines.append((number, order, product, 1 + below(3), prices[product - 1]))
    return {"customers": customers, "products": products, "orders": orders, "order_lines": lines}


def _mariadb_rows(table: str, rows: list[_Row]) -> Iterator[str]:
    """As mariadb-dump writes them: a row on a line."""
    for values in _inserts(rows):
        lines = ",\n".join(values)
        yield f"INSERT INTO `{table}` VALUES\n{lines};"


def _mysql_rows(table: str, rows: list[_Row]) -> Iterator[str]:
    """As mysqldump writes them: a statement on a line."""
    for values in _inserts(rows):
        together = ",".join(values)
        yield f"INSERT INTO `{table}` VALUES {together};"


def _inserts(rows: list[_Row]) -> Iterator[list[str]]:
    for start in range(0, len(rows), _ROWS_IN_AN_INSERT):
        yield [_values(row, "\\'") for row in rows[start : start + _ROWS_IN_AN_INSERT]]


def _sqlite_rows(table: str, rows: list[_Row]) -> Iterator[str]:
    quoted = f'"{table}"' if table in ("customers", "products") else table
    for row in rows:
        yield f"INSERT INTO {quoted} VALUES{_values(row, chr(39) * 2)};"


def _values(row: Iterable[_Value], quote: str) -> str:
    texts = (str(value) if isinstance(value, int) else "'" + value.replace("'", quote) + "'" for value in row)
    return f"({','.join(texts)})"
