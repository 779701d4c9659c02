"""What is particular to Oracle's MySQL, 8.0 and later."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from migci.adapters.instances import Instance
from migci.adapters.log import Log
from migci.adapters.sandboxes.confinement import Sandbox
from migci.adapters.servers.database import Admin
from migci.adapters.servers.performance import MEASURING, handler_calls
from migci.adapters.servers.product import PASSING, Counters, Product, Words, as_this_user
from migci.adapters.servers.server import Server

_OLDEST = 8
_NO_SUCH_THREAD = 1094

# A throwaway server need not survive a crash, and this machine's fsync says nothing of a production disk.
_CARELESS = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--innodb-flush-method=nosync",
)
# Over a unix socket they secure nothing, and they take long to make.
_NO_KEYS = (
    "--loose-auto-generate-certs=OFF",
    "--loose-caching-sha2-password-auto-generate-rsa-keys=OFF",
    "--loose-sha256-password-auto-generate-rsa-keys=OFF",
)


def _version(told: str) -> str | None:
    found = re.search(r"Ver ((\d+)\.\d+\.\d+)(?!\S*MariaDB)", told)
    return found.group(1) if found and int(found.group(2)) >= _OLDEST else None


def _initialize(product: Product, data: Path, options: Words) -> Words:
    return (
        product.server_program(),
        "--no-defaults",
        *as_this_user(),
        "--initialize-insecure",
        *_CARELESS,
        # Small, because every clone gets a copy of it; a server that is started makes it as large as it is told to.
        "--loose-innodb-redo-log-capacity=8M",
        *options,
        *_NO_KEYS,
        f"--datadir={data}",
        "--skip-log-bin",
        "--secure-file-priv=NULL",  # else it wants the folder that its packagers thought of
    )


def _counters(admin: Admin, user: str) -> Counters:
    """Rows changed as InnoDB counts them, since the calls of the storage engine include the data dictionary's.

    Such counts are the whole server's, which does nothing but the migration's work: migci writes no rows meanwhile.
    Before 8.0.19 InnoDB did not count the dictionary's rows apart, so the calls are as good. Rows read are the calls,
    because migci does read rows meanwhile; an ALTER reads up to a hundred rows of the dictionary.
    """
    read, changed = handler_calls(admin, user)
    told = {name: int(value) for name, value in admin.rows("SHOW GLOBAL STATUS LIKE 'Innodb%rows\\_%'")}
    if "Innodb_system_rows_inserted" in told:
        changed = sum(told[f"Innodb_rows_{done}"] for done in ("inserted", "updated", "deleted"))
    # The status variable of the same name lags behind.
    ((engines,),) = admin.rows("SELECT storage_engines FROM performance_schema.log_status")
    return Counters(read, changed, int(json.loads(engines)["InnoDB"]["LSN"]))


def _end_sessions(admin: Admin, user: str) -> None:
    for (connection,) in admin.rows(
        "SELECT processlist_id FROM performance_schema.threads WHERE processlist_user = %s AND type = 'FOREGROUND'",
        (user,),
    ):
        admin.refusal(f"KILL CONNECTION {connection}", _NO_SUCH_THREAD)


MYSQL = Product(
    flavor="mysql",
    name="MySQL 8.0 or later",
    server="mysqld",
    client="mysql",
    to_get_it="install Oracle MySQL's server, and name its folder in [server] programs",
    version=_version,
    initialize=_initialize,
    defaults=(
        # As large as a server has at least; [server].options tells what the production server has. The redo log is
        # left to the server, whose versions disagree on how to say its size; the least is about 100 MB on all.
        "--innodb-buffer-pool-size=256M",
        *_CARELESS,
        "--innodb-buffer-pool-load-at-startup=0",
        "--innodb-buffer-pool-dump-at-shutdown=0",
        "--max-allowed-packet=1G",
    ),
    measuring=MEASURING,
    loading=("--performance-schema=OFF",),
    always=(
        "--skip-networking",
        "--loose-mysqlx=0",
        "--skip-log-bin",
        "--skip-name-resolve",
        "--persisted-globals-load=OFF",  # they are read in spite of --no-defaults
        "--event-scheduler=OFF",  # what it ran would be counted as the migration's
        *_NO_KEYS,
        "--tls-version=",
        "--log-error-verbosity=2",
    ),
    passing=(*PASSING, "innodb-ddl", "innodb-parallel-read-threads", "innodb-redo-log", "max-execution-time"),
    counters=_counters,
    table_ids="SELECT name, table_id FROM information_schema.innodb_tables WHERE name LIKE %s",
    # NOWAIT does not concern locks on whole tables here: it would wait for a second.
    probe="SELECT /*+ MAX_EXECUTION_TIME(1) */ 1 FROM {table} WHERE FALSE FOR UPDATE",
    probe_refused=3024,
    disk_errors=(3, 1021, 1026, 1878, 3675),
    full_table_errors=(1114, 3019),
    end_sessions=_end_sessions,
)


def mysql(
    options: tuple[str, ...], instance: Instance, log: Log, sandbox: Sandbox, programs: Path | None = None
) -> Server:
    return Server(replace(MYSQL, programs=programs), options, instance, log, sandbox)
