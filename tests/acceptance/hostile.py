"""What a hostile migration tries: it lies in the project under test, and runs in the project's own interpreter.

Each probe is a function that returns what it got hold of, and raises, or returns nothing, where it got nothing. What it
is told of the machine (ports, files, pids) stands in `bait.json` beside it; the secrets themselves do not.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import glob
import json
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from typing import Any

Bait = dict[str, Any]
Probe = Callable[[Bait], object]

PROBES: dict[str, Probe] = {}
SQL_PROBES: dict[str, tuple[str, ...]] = {}

_NUMBERS = {  # x86_64, aarch64
    "mount": (165, 40), "unshare": (272, 97), "clone": (56, 220), "setns": (308, 268), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "keyctl": (250, 219), "add_key": (248, 217), "shmget": (29, 194),
    "memfd_create": (319, 279), "bpf": (321, 280), "perf_event_open": (298, 241), "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282), "sethostname": (170, 161), "pivot_root": (155, 41), "open_by_handle_at": (304, 265),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "syslog": (103, 116), "fsopen": (430, 430),
}  # fmt: skip
_libc = ctypes.CDLL(None, use_errno=True)


def probe(function: Probe) -> Probe:
    PROBES[function.__name__] = function
    return function


def syscall(name: str, *arguments: Any) -> str:
    number = _NUMBERS[name][platform.machine() == "aarch64"]
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "%s returned %d" % (name, result)


def read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(4096).decode("utf-8", "replace")


def wrote(path: str) -> str:
    with open(path, "ab") as file:
        file.write(b"x")
    return f"wrote to {path}"


def bait() -> Bait:
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bait.json")) as file:
        found: Bait = json.load(file)
        return found


# The network


@probe
def resolves_a_name(bait: Bait) -> object:
    return socket.getaddrinfo("example.org", 80)


@probe
def sends_a_datagram_that_looks_like_a_lookup(bait: Bait) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"secret.example.org", ("127.0.0.1", bait["udp"]))  # which is its own, if it has one at all
        one.sendto(b"secret.example.org", ("192.0.2.1", 53))
        return "sent"


def _connected(family: int, address: Any) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(5)
        one.connect(address)
        return f"connected to {address}"


@probe
def connects_to_a_port_of_the_machine(bait: Bait) -> object:
    return _connected(socket.AF_INET, ("127.0.0.1", bait["tcp"]))


@probe
def connects_to_a_port_of_the_machine_over_ipv6(bait: Bait) -> object:
    return _connected(socket.AF_INET6, ("::1", bait["tcp"]))


@probe
def connects_to_the_metadata_of_a_cloud(bait: Bait) -> object:
    return _connected(socket.AF_INET, ("169.254.169.254", 80))


@probe
def connects_to_an_abstract_socket(bait: Bait) -> object:
    return _connected(socket.AF_UNIX, b"\0" + bait["abstract"].encode())


@probe
def connects_to_a_socket_of_the_machine(bait: Bait) -> object:
    return _connected(socket.AF_UNIX, bait["socket"])


@probe
def speaks_to_the_hypervisor(bait: Bait) -> object:
    return socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)  # no network namespace holds it


@probe
def asks_the_kernel_for_its_network(bait: Bait) -> object:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)


@probe
def takes_packets_as_they_come(bait: Bait) -> object:
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


@probe
def uses_the_kernels_ciphers(bait: Bait) -> object:
    return socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)


# Files of the machine


@probe
def reads_the_machines_accounts(bait: Bait) -> object:
    return "root:" in read("/etc/passwd") and "root's account"


@probe
def reads_the_machines_passwords(bait: Bait) -> object:
    return read("/etc/shadow")


@probe
def reads_the_home_folder(bait: Bait) -> object:
    return read(os.path.join(bait["home"], ".ssh", "id_rsa"))


@probe
def reads_what_is_ignored_in_the_project(bait: Bait) -> object:
    return read(os.path.join(bait["project"], "secrets.env"))


@probe
def reads_the_projects_git_settings(bait: Bait) -> object:
    return read(os.path.join(bait["project"], ".git", "config"))


@probe
def reads_a_snapshot(bait: Bait) -> object:
    return glob.glob(os.path.join(bait["store"], "snapshots", "*"))


@probe
def reads_the_keys_of_the_store(bait: Bait) -> object:
    return read(os.path.join(bait["store"], "keys", "shop"))


@probe
def reads_another_clone(bait: Bait) -> object:
    return read(bait["other_clone"])


@probe
def lists_its_own_clone(bait: Bait) -> object:
    """Its socket is there; the credentials of the server's owner lie beside it."""
    return sorted(set(os.listdir(os.path.dirname(bait["socket_of_the_clone"]))) - {"db.sock"})


@probe
def reads_the_owners_credentials(bait: Bait) -> object:
    return read(os.path.join(os.path.dirname(bait["socket_of_the_clone"]), "client.cnf"))


@probe
def reads_through_a_link_of_the_checkout(bait: Bait) -> object:
    return read("link-to-a-secret")


@probe
def reads_through_a_folders_link_of_the_checkout(bait: Bait) -> object:
    return os.listdir("link-to-a-folder")


@probe
def sees_a_variable_of_migci(bait: Bait) -> object:
    own = [value for value in os.environ.values() if "hunter2" in value]
    for path in glob.glob("/proc/[0-9]*/environ"):
        with contextlib.suppress(OSError):
            own += [f"hunter2 in {path}"] if "hunter2" in read(path) else []
    return own


@probe
def sees_a_command_line_of_the_machine(bait: Bait) -> object:
    lines = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(read(path).replace("\0", " "))
    return sum("the-victims-own-argument" in line or "mariadbd" in line for line in lines)


@probe
def looks_through_the_root_of_another_process(bait: Bait) -> object:
    found = []
    for path in glob.glob("/proc/[0-9]*/root/") + glob.glob("/proc/[0-9]*/cwd/"):
        with contextlib.suppress(OSError):
            found += [path] if os.path.exists(os.path.join(path, bait["home"].lstrip("/"))) else []
    return found


@probe
def has_descriptors_that_are_not_its_own(bait: Bait) -> object:
    """It has its output, the channel to migci, and what its own libraries have opened: links to what it can see."""
    odd = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink("/proc/self/fd/" + name)
            known = target == "/dev/null" or target.startswith(("socket:", "pipe:", "/proc/", "anon_inode:"))
            if not known and not target.startswith(bait["tree"]):
                odd.append(f"{name} -> {target}")
    return odd


@probe
def sees_devices(bait: Bait) -> object:
    usual = [
        "core",
        "fd",
        "full",
        "null",
        "ptmx",
        "pts",
        "random",
        "shm",
        "stderr",
        "stdin",
        "stdout",
        "tty",
        "urandom",
        "zero",
    ]
    return sorted(set(os.listdir("/dev")) - set(usual))


# Files that it might change


@probe
def writes_outside_of_its_own(bait: Bait) -> object:
    import alembic
    import migci_agent

    places = [
        "/", "/usr", "/usr/bin", "/etc", "/dev", "/proc/sys/kernel", "/run", "/var", "/opt", "/root", "/home", "/sys",
        bait["tree"], os.path.join(bait["tree"], "migrations", "versions"), bait["store"], bait["home"],
        os.path.dirname(bait["socket_of_the_clone"]), os.path.dirname(alembic.__file__),
        os.path.dirname(migci_agent.__file__), os.path.dirname(os.path.dirname(migci_agent.__file__)),
        os.path.dirname(os.__file__),
    ]  # fmt: skip
    able = []
    for place in places:
        with contextlib.suppress(OSError):
            able.append(wrote(os.path.join(place, "planted")))
    return able


@probe
def changes_what_it_is_made_of(bait: Bait) -> object:
    import alembic
    import migci_agent.serve

    able = []
    for path in (alembic.__file__, migci_agent.serve.__file__, "migci.toml", "/etc/passwd", "/usr/bin/env"):
        for change in (wrote, lambda path: os.chmod(path, 0o777), os.unlink):
            with contextlib.suppress(OSError):
                able.append(f"{path} {change(path)}")
    return able


@probe
def sets_what_the_kernel_starts_when_a_program_crashes(bait: Bait) -> object:
    return _rewrote("/proc/sys/kernel/core_pattern")


def _rewrote(path: str) -> str:
    """What is there is written once more: if it can be, no harm is done."""
    with open(path, "r+") as file:
        before = file.read()
        file.seek(0)
        file.write(before)
        file.flush()
    return f"could write to {path}"


@probe
def presses_a_key_of_the_machine(bait: Bait) -> object:
    with open("/proc/sysrq-trigger", "w") as file:
        return file.write("h")


@probe
def replaces_its_own_socket(bait: Bait) -> object:
    os.unlink(bait["socket_of_the_clone"])
    return "unlinked"


# Processes of the machine


@probe
def signals_a_process_of_the_machine(bait: Bait) -> object:
    os.kill(bait["victim"], signal.SIGTERM)
    return "signalled"


@probe
def signals_migci(bait: Bait) -> object:
    return [pid for pid in (os.getppid(), 1) if _kills(pid)]


def _kills(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        os.kill(pid, signal.SIGURG)  # which nobody minds
    except OSError:
        return False
    return os.stat("/proc/%d" % pid).st_uid != os.getuid()


@probe
def traces_a_process_of_the_machine(bait: Bait) -> object:
    return syscall("ptrace", 0x4206, bait["victim"], 0, 0)


@probe
def traces_its_parent(bait: Bait) -> object:
    return syscall("ptrace", 0x4206, os.getppid(), 0, 0)


@probe
def reads_the_memory_of_its_parent(bait: Bait) -> object:
    with open("/proc/%d/mem" % os.getppid(), "rb") as file:
        file.seek(int(read("/proc/%d/maps" % os.getppid()).split("-")[0], 16))
        return file.read(16)


@probe
def reads_the_memory_of_a_process_of_the_machine(bait: Bait) -> object:
    place = ctypes.create_string_buffer(16)
    vector = struct.pack("PN", ctypes.addressof(place), 16)
    return syscall("process_vm_readv", bait["victim"], vector, 1, vector, 1, 0)


@probe
def takes_a_descriptor_of_its_parent(bait: Bait) -> object:
    handle = int(syscall("pidfd_open", os.getppid(), 0).split()[-1])
    return syscall("pidfd_getfd", handle, 0, 0)


# Rights


@probe
def is_somebody_on_this_machine(bait: Bait) -> object:
    status = read("/proc/self/status")
    able = [line.split(":")[0] for line in status.splitlines() if line.startswith("Cap") and int(line.split()[1], 16)]
    if "NoNewPrivs:\t1" not in status:
        able.append("gains rights by programs")
    if "Seccomp:\t2" not in status:
        able.append("no filter")
    return able


@probe
def becomes_root(bait: Bait) -> object:
    return [call.__name__ for call in (os.setuid, os.setgid) if call(0) is None]


@probe
def leaves_its_groups(bait: Bait) -> object:
    os.setgroups([0])
    return "of root's group"


@probe
def runs_a_program_as_root(bait: Bait) -> object:
    able = []
    for words in (["su", "-c", "id -u"], ["mount", "--bind", "/usr", "/tmp"], ["sudo", "-n", "id", "-u"]):
        with contextlib.suppress(FileNotFoundError):
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True)
            able += [] if done.returncode else [" ".join(words)]
    return able


@probe
def makes_a_program_that_runs_as_its_owner(bait: Bait) -> object:
    path = os.path.join(os.environ["TMPDIR"], "own-id")
    with open("/usr/bin/id", "rb") as source, open(path, "wb") as copy:
        copy.write(source.read())
    os.chmod(path, 0o6755)
    os.chown(path, 0, 0)
    return subprocess.check_output([path, "-u"])


@probe
def makes_a_user_namespace(bait: Bait) -> object:
    return syscall("unshare", 0x10000000)


@probe
def makes_a_process_in_a_user_namespace(bait: Bait) -> object:
    pid = _libc.syscall(ctypes.c_long(_NUMBERS["clone"][platform.machine() == "aarch64"]), 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone")
    os.waitpid(pid, 0)
    return "made process %d" % pid


@probe
def makes_a_sandbox_of_its_own(bait: Bait) -> object:
    subprocess.check_output(["unshare", "--user", "--map-root-user", "true"], stderr=subprocess.STDOUT)
    return "unshared"


@probe
def mounts(bait: Bait) -> object:
    return syscall("mount", b"none", b"/tmp", b"tmpfs", 0, 0)


@probe
def mounts_the_new_way(bait: Bait) -> object:
    return syscall("fsopen", b"tmpfs", 0)


@probe
def changes_its_root(bait: Bait) -> object:
    os.chroot("/tmp")
    return "changed"


@probe
def enters_another_namespace(bait: Bait) -> object:
    with open("/proc/1/ns/mnt") as namespace:
        return syscall("setns", namespace.fileno(), 0)


@probe
def opens_a_file_by_its_handle(bait: Bait) -> object:
    return syscall("open_by_handle_at", -100, ctypes.create_string_buffer(128), 0)


@probe
def makes_a_device(bait: Bait) -> object:
    os.mknod(os.path.join(os.environ["TMPDIR"], "disk"), 0o60666, os.makedev(8, 0))
    return "made"


@probe
def raises_its_limits(bait: Bait) -> object:
    able = []
    for limit in ("RLIMIT_DATA", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_MEMLOCK"):
        number = getattr(resource, limit)
        hard = resource.getrlimit(number)[1]
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            able.append("%s was %d" % (limit, hard))
    return able


@probe
def is_spared_when_memory_runs_out(bait: Bait) -> object:
    before = int(read("/proc/self/oom_score_adj"))
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("%d" % (before - 1))
    return "lowered"


@probe
def goes_before_others(bait: Bait) -> object:
    os.nice(-5)
    return "niced"


@probe
def renames_the_machine(bait: Bait) -> object:
    return syscall("sethostname", b"x", 1)


@probe
def types_on_the_terminal(bait: Bait) -> object:
    able: list[object] = []
    for number in (0, 1, 2):
        with contextlib.suppress(OSError):
            fcntl.ioctl(number, termios.TIOCSTI, b"#")
            able.append(number)
    with contextlib.suppress(OSError), open("/dev/tty", "rb") as terminal:
        fcntl.ioctl(terminal, termios.TIOCSTI, b"#")
        able.append("/dev/tty")
    return able


# What the kernel keeps


@probe
def keeps_a_key_in_the_kernel(bait: Bait) -> object:
    return syscall("add_key", b"user", b"name", b"x", 1, -3)


@probe
def looks_at_the_kernels_keys(bait: Bait) -> object:
    return syscall("keyctl", 0, -3, 0, 0, 0)


@probe
def loads_a_program_into_the_kernel(bait: Bait) -> object:
    return syscall("bpf", 0, ctypes.create_string_buffer(128), 128)


@probe
def watches_the_processor(bait: Bait) -> object:
    return syscall("perf_event_open", ctypes.create_string_buffer(128), 0, -1, -1, 0)


@probe
def queues_calls_for_the_kernel(bait: Bait) -> object:
    return syscall("io_uring_setup", 1, ctypes.create_string_buffer(256))


@probe
def handles_faults_of_memory(bait: Bait) -> object:
    return syscall("userfaultfd", 0)


@probe
def reads_the_kernels_log(bait: Bait) -> object:
    return syscall("syslog", 3, ctypes.create_string_buffer(64), 64)


# Memory that no limit counts


@probe
def shares_memory_with_nobody(bait: Bait) -> object:
    with mmap.mmap(-1, 1 << 20):  # what is written to it stays, whatever is unmapped of it
        return "mapped"


@probe
def shares_memory_by_a_device(bait: Bait) -> object:
    with open("/dev/zero", "r+b") as device, mmap.mmap(device.fileno(), 1 << 20):
        return "mapped"


@probe
def makes_a_file_of_memory(bait: Bait) -> object:
    return syscall("memfd_create", b"x", 0)


@probe
def makes_a_shared_segment(bait: Bait) -> object:
    return syscall("shmget", 0, 1 << 20, 0o1600)


# The database server


def sql(name: str, *statements: str) -> None:
    SQL_PROBES[name] = statements


sql("loads_a_file_of_the_server", "CREATE TABLE l (a TEXT)", "LOAD DATA INFILE '/etc/passwd' INTO TABLE l")
sql("loads_a_file_of_the_client", "CREATE TABLE c (a TEXT)", "LOAD DATA LOCAL INFILE '/etc/hosts' INTO TABLE c")
sql("writes_rows_to_a_file", "SELECT 1 INTO OUTFILE '/tmp/planted'")
sql("writes_bytes_to_a_file", "SELECT 'x' INTO DUMPFILE '/tmp/planted'")
sql("reads_a_file_by_a_function", "SELECT LOAD_FILE('/etc/passwd')")
sql("reads_a_file_beside_its_data_by_a_function", "SELECT LOAD_FILE(CONCAT(@@datadir, '../client.cnf'))")
sql("moves_the_servers_log", "SET GLOBAL general_log_file = '/tmp/planted'")
sql("turns_on_the_servers_log", "SET GLOBAL general_log = 1")
sql("sets_something_for_everybody", "SET GLOBAL max_connections = 1")
sql("lets_events_run", "SET GLOBAL event_scheduler = 1")
sql("makes_an_account", "CREATE USER eve IDENTIFIED BY 'x'")
sql("changes_the_owners_password", "SET PASSWORD FOR root@localhost = ''")
sql("grants_itself_more", "GRANT ALL ON *.* TO CURRENT_USER()")
sql("reads_the_accounts", "SELECT * FROM mysql.global_priv")
sql("reads_the_accounts_as_they_used_to_be", "SELECT * FROM mysql.user")
sql("changes_the_accounts", "UPDATE mysql.global_priv SET priv = '{}'")
sql("reads_another_database", "SELECT * FROM performance_schema.setup_actors")
sql("makes_another_database", "CREATE DATABASE other")
sql("turns_off_what_is_measured", "UPDATE performance_schema.setup_actors SET ENABLED = 'NO'")
sql("forgets_what_was_measured", "TRUNCATE performance_schema.events_statements_summary_by_digest")
sql("resets_its_counters", "FLUSH USER_STATISTICS")
sql("flushes_the_counters_of_all", "FLUSH STATUS")
sql("makes_a_function_of_a_library", "CREATE FUNCTION f RETURNS STRING SONAME 'ha_connect.so'")
sql("installs_a_library", "INSTALL SONAME 'ha_connect'")
sql("installs_a_plugin", "INSTALL PLUGIN federated SONAME 'ha_federatedx.so'")
_ELSEWHERE = "SELECT create_options FROM information_schema.tables WHERE create_options LIKE '%DIRECTORY%'"
sql("puts_a_table_elsewhere", "CREATE TABLE d (a INT) DATA DIRECTORY = '/tmp'", _ELSEWHERE)
sql("puts_a_file_elsewhere", "CREATE TABLE e (a INT) ENGINE = MyISAM DATA DIRECTORY = '/var/tmp'", _ELSEWHERE)
sql(
    "puts_a_partition_elsewhere",
    "CREATE TABLE p (a INT) PARTITION BY HASH (a) (PARTITION x DATA DIRECTORY = '/tmp')",
    "SELECT 1 FROM information_schema.partitions WHERE table_name = 'p' AND partition_comment LIKE '%tmp%'",
)
sql("sorts_elsewhere", "SET SESSION innodb_tmpdir = '/tmp'")
sql("connects_to_another_server", "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1')")
sql("shuts_the_server_down", "SHUTDOWN")
sql("runs_as_the_owner", "CREATE DEFINER = root@localhost FUNCTION r () RETURNS INT RETURN 1")
sql("stops_all_writing", "FLUSH TABLES WITH READ LOCK")
sql("changes_how_it_is_logged", "SET SESSION sql_log_off = 1")
sql("replicates", "CHANGE MASTER TO MASTER_HOST = '127.0.0.1'")
sql("purges_logs", "PURGE BINARY LOGS BEFORE NOW()")


def run(op: Any) -> None:
    """Try all, and tell in the log what each of them got."""
    import pymysql

    url = op.get_bind().engine.url
    given = bait()
    given["socket_of_the_clone"] = url.query["unix_socket"]
    given["tree"] = os.path.dirname(os.path.abspath(__file__))
    for name, function in PROBES.items():
        if name in given.get("only", PROBES):
            _tell(name, functools.partial(function, given))
    if "only" in given:
        return
    connection = pymysql.connect(
        unix_socket=url.query["unix_socket"], user=url.username, password=url.password,
        database=url.database, autocommit=True, local_infile=True,
    )  # fmt: skip

    def asked(*statements: str) -> Any:
        rows: Any = ()
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = cursor.fetchall()
        return rows

    for name, statements in SQL_PROBES.items():
        _tell(name, functools.partial(_got, asked, statements))
    _tell(KILLS_MIGCI, lambda: _killed(asked))


def _got(asked: Callable[..., Any], statements: tuple[str, ...]) -> object:
    rows = [row for row in asked(*statements) if any(row)]
    return rows if statements[-1].startswith("SELECT") else "no error"


KILLS_MIGCI = "kills_a_connection_of_migcis"


def _killed(asked: Callable[..., Any]) -> list[int]:
    own = {row[0] for row in asked("SHOW PROCESSLIST")}
    killed = []
    for number in set(range(1, 100)) - own:
        with contextlib.suppress(Exception):
            asked("KILL %d" % number)
            killed.append(number)
    return killed


def _tell(name: str, attempt: Callable[[], object]) -> None:
    try:
        got = attempt()
        told = f"got {got!r}" if got else "held"
    except Exception as error:
        broken = isinstance(error, (NameError, TypeError, AttributeError, LookupError, ImportError))
        told = f"{'broken' if broken else 'held'} {type(error).__name__}: {error}"
    sys.stdout.write(f"\nprobe {name} {' '.join(told.split())}\n\n")
    sys.stdout.flush()
