"""How the clone's address reaches the project's code."""

import importlib.util
import os
import tempfile
from urllib.parse import quote

_DRIVERS = (("pymysql", "pymysql"), ("MySQLdb", "mysqldb"), ("mysql.connector", "mysqlconnector"))


class BrokenHistory(Exception):
    """The files do not make a history."""


class Irreversible(Exception):
    """A migration has nothing that takes it back."""


class DriverMissing(Exception):
    """The project's interpreter cannot talk to the server."""


def url(database, needs_driver):
    """The clone's SQLAlchemy URL, for the first driver that this interpreter has; `None` without a clone."""
    if database is None:
        return None
    if database["flavor"] == "sqlite":
        return "sqlite:///%s" % database["socket"]
    driver = next((name for module, name in _DRIVERS if _found(module)), None)
    if driver is None:
        if needs_driver:
            raise DriverMissing("there is no MySQL driver in this interpreter: install PyMySQL there")
        driver = "pymysql"
    return "mysql+%s://%s:%s@localhost/%s?unix_socket=%s&charset=utf8mb4" % (
        driver,
        database["user"],
        database["password"],
        database["database"],
        quote(database["socket"]),
    )


def _found(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def surround(spec):
    """Set the variables and write the files that the project's code finds its database by."""
    folder = spec["files_folder"] = tempfile.mkdtemp(prefix="files-")
    names = {"url": spec["url"] or "", "files": folder}
    for name, text in spec["files"].items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(filled(text, names))
    for name, value in spec["variables"].items():
        os.environ[name] = filled(value, names)


def filled(text, names):
    """`text` with `{name}` replaced for each of `names`, and every other brace left alone."""
    for name, value in names.items():
        text = text.replace("{%s}" % name, str(value))
    return text
