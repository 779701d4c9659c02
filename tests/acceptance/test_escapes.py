"""Migrations that mean harm: what each of them tries gets it nothing, and shows as what it is."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from migci.demo.shop import build
from tests.acceptance import hostile
from tests.acceptance.command import Ran, demand, replay

SECRET = "hunter2"
"""What nothing of a migration may ever hold: it lies in all the places that it should not see."""

PROBES = (*hostile.PROBES, *hostile.SQL_PROBES, hostile.KILLS_MIGCI)

AS_NOBODY = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
"""Begins a command that is run by a user without rights, as most are."""


@dataclass(frozen=True)
class Machine:
    """What there is to get at, and where."""

    folder: Path
    sockets: dict[str, socket.socket]
    victim: subprocess.Popen[bytes]

    def came(self) -> list[str]:
        """The sockets that somebody came to."""
        return [name for name, one in self.sockets.items() if _met(one)]


def _met(one: socket.socket) -> bool:
    one.setblocking(False)
    with suppress(BlockingIOError):
        if one.type == socket.SOCK_STREAM:
            one.accept()[0].close()
        else:
            one.recv(100)
        return True
    return False


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Sockets that are listened on, a process, and files with a secret in them."""
    with ExitStack() as stack:
        # Beside the machine's temporary files, which the sandbox has its own of: and a socket's path must be short.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="escapes-", dir="/var/tmp")))
        places: dict[str, tuple[int, int, str | tuple[str, int]]] = {
            "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, f"\0escapes-{os.getpid()}"),
            "socket": (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "listens")),
        }
        sockets = {}
        for name, (family, kind, address) in places.items():
            sockets[name] = stack.enter_context(socket.socket(family, kind))
            sockets[name].bind(address)
            if kind == socket.SOCK_STREAM:
                sockets[name].listen()
        for file in ("home/.ssh/id_rsa", "store/keys/shop", "secrets/a-file"):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(SECRET)
        words = [sys.executable, "-c", "import time; time.sleep(1000)", "the-victims-own-argument"]
        victim = stack.enter_context(subprocess.Popen(words))
        stack.callback(victim.kill)
        yield Machine(folder, sockets, victim)


MIGRATION = '''"""Means harm"""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade():
    import hostile

    hostile.run(op)
'''


@dataclass(frozen=True)
class Told:
    """What one run of all probes came to."""

    ran: Ran
    probes: dict[str, str]
    """What each says that it came to: "held" and what it was refused with, or "got" and what. Words of the log,
    of which the gate may have taken some.
    """
    came: list[str]


def hostile_shop(folder: Path, machine: Machine, store: Path, **about: object) -> Path:
    """A shop whose patch tries everything; `about` is what it is told besides."""
    shop = folder / "shop"
    build(shop, flavor="mariadb")
    for script in (shop / "migrations" / "versions").glob("00*"):
        if script.name >= "0009":
            script.unlink()
    (shop / "migrations" / "versions" / "0009_means_harm.py").write_text(MIGRATION)
    shutil.copyfile(hostile.__file__, shop / "hostile.py")
    (shop / "secrets.env").write_text(SECRET)
    (shop / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    with (shop / ".gitignore").open("a") as ignored:
        ignored.write("secrets.env\n")
    (shop / "link-to-a-secret").symlink_to(machine.folder / "secrets" / "a-file")
    (shop / "link-to-a-folder").symlink_to(machine.folder / "secrets")
    ran_outside = machine.folder / "secrets" / "ran-outside"
    for name in ("sitecustomize.py", "usercustomize.py"):
        (shop / name).write_text(f"open({str(ran_outside)!r}, 'w')\n")
    (shop / "planted.pth").write_text(f"import sys; open({str(ran_outside)!r}, 'w')\n")
    other = store / "instances" / "another" / "data" / "clone"
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_text(SECRET)
    bait = {
        "tcp": machine.sockets["tcp"].getsockname()[1],
        "udp": machine.sockets["udp"].getsockname()[1],
        "abstract": f"escapes-{os.getpid()}",
        "socket": str(machine.folder / "listens"),
        "home": str(machine.folder / "home"),
        "project": str(shop),
        "store": str(store),
        "other_clone": str(other),
        "victim": machine.victim.pid,
        **about,
    }
    (shop / "bait.json").write_text(json.dumps(bait))
    return shop


@pytest.fixture(scope="module")
def own_store(machine: Machine, store: Path) -> Path:
    """A store with something to get at, which takes the project's environment from `store`."""
    own = machine.folder / "store"
    (store / "environments").mkdir(exist_ok=True)
    (own / "environments").symlink_to(store / "environments")
    return own


def tried(folder: Path, machine: Machine, own: Path, start: tuple[str, ...], **about: object) -> Told:
    """A run of all probes."""
    demand("mariadb")
    shop = hostile_shop(folder, machine, own, **about)
    variables = {"GERRIT_PASSWORD": SECRET, "HOME": str(machine.folder / "home"), "MIGCI_STORE": str(own)}
    if "only" in about:
        variables["MIGCI_SANDBOX"] = "none"
    ran = replay(shop, "empty", start=start, **variables)
    assert ran.status in (0, 1), ran.err
    lines = [line.removeprefix("   probe ") for line in ran.log.splitlines() if line.startswith("   probe ")]
    probes = dict(line.split(" ", 1) for line in lines)
    assert [path.name for path in (own / "instances").iterdir()] == ["another"]
    return Told(ran, probes, machine.came())


@pytest.fixture(scope="module", params=["root", "nobody"])
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, machine: Machine, own_store: Path
) -> Told:
    start = AS_NOBODY if request.param == "nobody" else ()
    return tried(tmp_path_factory.mktemp("escapes"), machine, own_store, start)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_gets_nothing(told: Told, name: str) -> None:
    assert name in told.probes, told.ran.err
    assert told.probes[name].split()[0] == "held", told.probes[name]


def test_nobody_came_to_the_machines_sockets(told: Told) -> None:
    assert told.came == []


def test_a_process_of_the_machine_is_as_it_was(told: Told, machine: Machine) -> None:
    assert machine.victim.poll() is None


def test_nothing_of_the_patch_ran_outside(told: Told, machine: Machine) -> None:
    """Neither Python nor git started what it brings for them."""
    assert sorted(path.name for path in (machine.folder / "secrets").iterdir()) == ["a-file"]


def test_what_a_probe_prints_is_all_that_is_seen_of_it(told: Told) -> None:
    assert (told.ran.status, told.ran.report["verdict"]) == (0, "passed")
    assert SECRET not in told.ran.log
    assert SECRET not in json.dumps(told.ran.report)


HARMLESS = (
    "connects_to_a_port_of_the_machine",
    "connects_to_an_abstract_socket",
    "connects_to_a_socket_of_the_machine",
    "asks_the_kernel_for_its_network",
    "reads_the_machines_accounts",
    "reads_the_home_folder",
    "reads_what_is_ignored_in_the_project",
    "reads_the_projects_git_settings",
    "reads_the_keys_of_the_store",
    "reads_another_clone",
    "lists_its_own_clone",
    "reads_the_owners_credentials",
    "reads_through_a_link_of_the_checkout",
    "reads_through_a_folders_link_of_the_checkout",
    "sees_a_variable_of_migci",
    "sees_a_command_line_of_the_machine",
    "is_somebody_on_this_machine",
    "shares_memory_with_nobody",
    "shares_memory_by_a_device",
    "makes_a_file_of_memory",
)
"""Probes that leave everything as it was, also where nothing holds them."""


@pytest.fixture(scope="module")
def unheld(tmp_path_factory: pytest.TempPathFactory, machine: Machine, own_store: Path) -> Told:
    return tried(tmp_path_factory.mktemp("unheld"), machine, own_store, (), only=HARMLESS)


@pytest.mark.parametrize("name", HARMLESS)
def test_the_same_probe_gets_it_without_a_sandbox(unheld: Told, name: str) -> None:
    """Or it would say nothing that it gets nothing within."""
    assert unheld.probes[name].split()[0] == "got", unheld.probes[name]


def test_without_a_sandbox_somebody_comes_to_the_machines_sockets(unheld: Told) -> None:
    assert set(unheld.came) == {"tcp", "abstract", "socket"}
