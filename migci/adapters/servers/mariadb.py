"""What is particular to MariaDB."""

from __future__ import annotations

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


def _version(told: str) -> str | None:
    found = re.search(r"Ver (\d+\.\d+\.\d+)-MariaDB", told)
    return found.group(1) if found else None


def _initialize(product: Product, data: Path, options: Words) -> Words:
    return (
        product.program("mariadb-install-db"),
        "--no-defaults",
        *as_this_user(),
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
        "--force",  # it would look up this machine's name, which need not have an address
        "--innodb-flush-method=nosync",
        *options,
        f"--datadir={data}",
    )


def _counters(admin: Admin, user: str) -> Counters:
    """Rows as the calls of the storage engine, which are exact, also for what an ALTER copies."""
    read, changed = handler_calls(admin, user)
    ((_, position),) = admin.rows("SHOW GLOBAL STATUS LIKE 'Innodb_lsn_current'")
    return Counters(read, changed, int(position))


def _end_sessions(admin: Admin, user: str) -> None:
    admin.rows(f"KILL CONNECTION USER {user}@localhost")


MARIADB = Product(
    flavor="mariadb",
    name="MariaDB",
    server="mariadbd",
    client="mariadb",
    to_get_it="apt-get install mariadb-server-core mariadb-client-core",
    version=_version,
    initialize=_initialize,
    defaults=(
        # As large as a server has at least; [server].options tells what the production server has.
        "--innodb-buffer-pool-size=256M",
        "--innodb-log-file-size=96M",
        # A throwaway server need not survive a crash, and this machine's fsync says nothing of a production disk.
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-flush-method=nosync",
        "--innodb-buffer-pool-load-at-startup=0",
        "--innodb-buffer-pool-dump-at-shutdown=0",
        "--max-allowed-packet=1G",
        # As Debian and most others configure it; the program alone would still take latin1.
        "--character-set-server=utf8mb4",
    ),
    measuring=MEASURING,
    loading=("--performance-schema=OFF",),
    always=(
        "--skip-networking",
        "--skip-log-bin",
        "--skip-symbolic-links",  # or DATA DIRECTORY puts a table where all clones would share it
        "--skip-name-resolve",
        "--log-warnings=1",
    ),
    passing=(*PASSING, "alter-algorithm", "max-statement-time"),
    counters=_counters,
    table_ids="SELECT name, table_id FROM information_schema.innodb_sys_tables WHERE name LIKE %s",
    probe="SELECT 1 FROM {table} WHERE FALSE FOR UPDATE NOWAIT",
    probe_refused=1205,
    disk_errors=(3, 1021, 1026),
    full_table_errors=(1114,),
    end_sessions=_end_sessions,
)


def mariadb(
    options: tuple[str, ...], instance: Instance, log: Log, sandbox: Sandbox, programs: Path | None = None
) -> Server:
    return Server(replace(MARIADB, programs=programs), options, instance, log, sandbox)
