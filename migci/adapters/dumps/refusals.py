"""A server's refusals of a dump, told with what to do about them."""

from __future__ import annotations

import pymysql
from pymysql.constants import CR, ER

from migci.errors import MigciError
from migci.ports import RestoreFailed, ServerFailed

_LOST = (CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_COMMANDS_OUT_OF_SYNC, 0, 1053, 1927)
_TOO_LARGE = 1153
_UNKNOWN_COLLATIONS = (1115, 1273)
_HINTS = {
    1286: "name the engine's plugin in [server].options, as --plugin-load-add=…",
    1067: "the dump does not set sql_mode as its server had it: put --sql-mode=… into [server].options",
    1292: "the dump does not set sql_mode as its server had it: put --sql-mode=… into [server].options",
    1366: "the dump does not set sql_mode or its character set as its server had it: see [server].options",
    1289: "the feature is switched off: switch it on in [server].options",
    1235: "this server cannot do that: replay on the kind and version of server that the dump is of",
    1193: "this server does not know that variable: replay on the kind and version of server that the dump is of",
    1114: "the disk or a limit of the server's is reached: see [server].options and the free space",
    1118: "the rows are too large for this server's pages: put --innodb-page-size=… into [server].options",
    1062: "the dump holds a row twice, or its server compared texts in another way",
    1180: "the dump may hold a row twice: keys are not checked until the rows of a statement are all in",
    1419: "put --log-bin-trust-function-creators=1 into [server].options",
    1290: "the dump asks for a file of the server's machine, which it is not given",
    1148: "the dump asks for a file of this machine, which it is not given",
    4166: "the dump asks for a file of this machine, which it is not given",
    3948: "the dump asks for a file of this machine, which it is not given",
}
_GENERAL = "it must be SQL that this server understands, dumped from the same kind of server"


def lost(error: Exception) -> bool:
    """Whether the connection is lost rather than the statement refused."""
    if isinstance(error, pymysql.err.InterfaceError):
        return True
    return isinstance(error, pymysql.err.OperationalError) and bool(error.args) and error.args[0] in _LOST


def refused(
    error: Exception, *, dump: str, where: str, server: str, origin: str, size: int, largest: int
) -> MigciError:
    """What to raise for the driver's `error`.

    `where` is the line or file in the dump, `server` what refused and `origin` what the dump says that it is of ('' if
    it does not say). `size` is the statement's, `largest` what the server takes, in bytes.
    """
    code, text = _told(error)
    whose = f" (dumped from {origin})" if origin else ""
    if code == _TOO_LARGE or (size > largest and lost(error)):
        return RestoreFailed(
            f"{dump}, {where}: a statement of {size} bytes is larger than the server's max_allowed_packet of {largest}",
            hint="put --max-allowed-packet=1G into [server].options, or dump with a smaller --net-buffer-length",
        )
    if lost(error):
        return ServerFailed(f"the server went away while {dump} was loaded, at {where}: {text}")
    return RestoreFailed(
        f"{dump} cannot be loaded into {server}{whose}: {where}: error {code}: {text}", hint=_hint(code, server, origin)
    )


def _hint(code: int, server: str, origin: str) -> str:
    if code in _UNKNOWN_COLLATIONS or code == ER.PARSE_ERROR:
        if server.startswith("MariaDB") and (origin.startswith("MySQL") or code in _UNKNOWN_COLLATIONS):
            return 'the dump is of a MySQL server: set flavor = "mysql" in [server]'
        if server.startswith("MySQL") and origin.startswith("MariaDB"):
            return 'the dump is of a MariaDB server: set flavor = "mariadb" in [server]'
    return _HINTS.get(code, _GENERAL)


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, pymysql.err.MySQLError) and len(error.args) > 1:
        return int(error.args[0]), str(error.args[1])
    return 0, str(error)
