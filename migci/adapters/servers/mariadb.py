"""What is particular to MariaDB."""

from __future__ import annotations

import re
from pathlib import Path

from migci.adapters.log import Log
from migci.adapters.servers.database import Admin
from migci.adapters.servers.product import Product, Words
from migci.adapters.servers.server import Server


def _version(told: str) -> str | None:
    found = re.search(r"Ver (\d+\.\d+\.\d+)-MariaDB", told)
    return found.group(1) if found else None


def _initialize(data: Path, options: Words) -> Words:
    return (
        MARIADB.program("mariadb-install-db"),
        "--no-defaults",
        "--user=root",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
        "--force",  # it would look up this machine's name, which need not have an address
        "--innodb-flush-method=nosync",
        *options,
    )


def _end_sessions(admin: Admin, user: str) -> None:
    admin.rows(f"KILL CONNECTION USER {user}@localhost")


MARIADB = Product(
    flavor="mariadb",
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
    measuring=(
        "--performance-schema=ON",
        "--performance-schema-consumer-events-statements-current=ON",
        "--performance-schema-consumer-events-statements-history-long=ON",
        "--performance-schema-consumer-events-stages-current=ON",
        "--performance-schema-consumer-events-stages-history-long=ON",
        "--performance-schema-events-statements-history-long-size=10000",
        "--performance-schema-events-stages-history-long-size=10000",
        "--performance-schema-instrument=stage/sql/copy to tmp table=ON",
        "--performance-schema-instrument=stage/sql/preparing for alter table=ON",
        "--performance-schema-instrument=stage/innodb/alter table%=ON",
        "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
    ),
    loading=(
        "--performance-schema=OFF",
    ),
    always=(
        # It refuses to run as root unless it is told to, and a clone's own namespace may make it root.
        "--user=root",
        "--skip-networking",
        "--skip-log-bin",
        "--skip-name-resolve",
        "--log-warnings=1",
    ),
    passing=(
        "alter-algorithm",
        "innodb-buffer-pool",
        "innodb-doublewrite",
        "innodb-flush",
        "innodb-io-capacity",
        "innodb-log",
        "innodb-read-io-threads",
        "innodb-sort-buffer-size",
        "innodb-write-io-threads",
        "lock-wait-timeout",
        "max-allowed-packet",
        "max-connections",
        "max-heap-table-size",
        "max-statement-time",
        "performance-schema",
        "sort-buffer-size",
        "tmp-table-size",
    ),
    log_position="Innodb_lsn_current",
    disk_errors=(3, 1021, 1026),
    end_sessions=_end_sessions,
)  # fmt: skip


def mariadb(options: tuple[str, ...], mark: str, log: Log) -> Server:
    return Server(MARIADB, options, mark, log)
