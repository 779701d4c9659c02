"""Projects whose build means harm: what each of them tries gets it nothing, and what it leaves stays in its sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from migci.adapters.instances import sweep
from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.sandboxes.confinement import Limits, View
from tests.acceptance import hostile, hostile_build
from tests.acceptance.building import Built, built, started, with_token
from tests.acceptance.command import eventually
from tests.contract.filesystems import filesystem, tree
from tests.contract.projects import put

SECRET = "hunter2"
AS_NOBODY = ("unshare", "--user", "--map-user=1000", "--map-group=1000")

BACKEND = """
import glob, os, sys, zipfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

def evil():
    pass

{evil}

def build_wheel(folder, settings=None, metadata=None):
    evil()
    name = "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("thing.py", "")
        for file, text in FILES.items():
            wheel.writestr(file, text)
        about = "Metadata-Version: 2.1\\nName: thing\\nVersion: 1.0\\n"
        wheel.writestr("thing-1.0.dist-info/METADATA", about)
        wheel.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("thing-1.0.dist-info/RECORD", "")
    return name

build_editable = build_wheel
FILES = {files}
TARGET = os.path.dirname(glob.glob({store!r} + "/environments/*/pyvenv.cfg")[0])
"""
"""A build backend that lies in the tree, and needs nothing else; where there is one, nothing is downloaded for it."""

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "thing"
version = "1.0"
"""

SETUP = """
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tests.acceptance import hostile_build

hostile_build.run()
from setuptools import setup

setup(name="thing", version="1.0", py_modules=[])
"""

HOOK = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "thing"
version = "1.0"

[tool.hatch.build.targets.wheel]
include = ["tests/__init__.py"]

[tool.hatch.build.hooks.custom]
path = "hook.py"
"""

HOOK_CODE = """
import os, sys
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        sys.path.insert(0, self.root)
        from tests.acceptance import hostile_build

        hostile_build.run()
"""


@dataclass(frozen=True)
class Machine:
    """What there is to get at, and where."""

    folder: Path
    sockets: dict[str, socket.socket]
    victim: int

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def ran_outside(self) -> Path:
        """A file that is there when something of a patch ran outside of a sandbox."""
        return self.folder / "secrets" / "ran-outside"

    def came(self) -> list[str]:
        return [name for name, one in self.sockets.items() if _met(one)]


def _met(one: socket.socket) -> bool:
    with suppress(BlockingIOError):
        if one.type == socket.SOCK_STREAM:
            one.accept()[0].close()
        else:
            one.recv(100)
        return True
    return False


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Sockets that are listened on, and files with a secret in them."""
    with ExitStack() as stack:
        # Beside the machine's temporary files, which the sandbox has its own of: and a socket's path must be short.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="b-", dir="/var/tmp")))
        places: dict[str, tuple[int, int, str | tuple[str, int]]] = {
            "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, f"\0{folder.name}"),
            "socket": (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "listens")),
        }
        sockets = {}
        for name, (family, kind, address) in places.items():
            sockets[name] = stack.enter_context(socket.socket(family, kind))
            sockets[name].bind(address)
            sockets[name].setblocking(False)
            if kind == socket.SOCK_STREAM:
                sockets[name].listen()
        for file in (
            "home/.ssh/id_rsa", "home/.cache/uv/CACHEDIR.TAG", "secrets/a-file", "store/values/key", "store/keys/shop",
            "store/snapshots/shop/data", "store/environments/of-trunk/bin/python",
        ):  # fmt: skip
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(SECRET)
        victim = stack.enter_context(subprocess.Popen(["sleep", "1000"]))
        stack.callback(victim.kill)
        yield Machine(folder, sockets, victim.pid)


def project(machine: Machine, kind: str) -> tuple[Path, tuple[str, ...]]:
    """A tree whose build runs all probes, and its requirements."""
    root = machine.folder / "tree"
    put(root, "migrations/0001.py", "pass\n")
    home = root / "vendored" if kind in ("vendored", "url") else root
    beside = put(home, "tests/acceptance/__init__.py", "").parent
    put(home, "tests/__init__.py", "")
    for module in (hostile, hostile_build):
        shutil.copy(str(module.__file__), beside)
    told = {
        **{name: machine.sockets[name].getsockname()[1] for name in ("tcp", "udp")},
        "abstract": machine.folder.name,
        "socket": str(machine.folder / "listens"),
        "home": str(machine.folder / "home"),
        "project": str(root),
        "tree": str(root),
        "store": str(machine.store),
        "victim": machine.victim,
    }
    (beside / "bait.json").write_text(json.dumps(told))
    if kind == "backend":
        evil = "from tests.acceptance import hostile_build\nevil = hostile_build.run\n"
        put(home, "pyproject.toml", PYPROJECT)
        (home / "backend.py").write_text(BACKEND.format(evil=evil, files={}, store=str(machine.store)))
    elif kind == "hook":
        put(home, "pyproject.toml", HOOK)
        put(home, "hook.py", HOOK_CODE)
    else:
        put(home, "setup.py", SETUP)
    lines = {"editable in a file": "-e .", "vendored": "./vendored", "url": "thing @ file://${PROJECT_ROOT}/vendored"}
    if kind in lines:
        put(root, "requirements.txt", f"{lines[kind]}\n")
        return root, ("-r", "requirements.txt")
    return root, ("-e", ".") if kind == "editable" else (".",)


def with_backend(machine: Machine, evil: str, files: dict[str, str] | None = None) -> Path:
    """A tree whose build calls the function `evil` that is given; `files` are in the package that it makes."""
    root = machine.folder / "tree"
    put(root, "pyproject.toml", PYPROJECT)
    text = BACKEND.format(evil=textwrap.dedent(evil), files=files or {}, store=str(machine.store))
    (root / "backend.py").write_text(text)
    return root


def environments(store: Path) -> set[str]:
    """What there is that is, or is taken for, or was left of, an environment."""
    return {path.name for path in (store / "environments").iterdir() if path.suffix != ".lock"} - {"of-trunk"}


# What a build gets hold of


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        *((kind, ()) for kind in ("setup", "editable", "editable in a file", "vendored", "url", "backend", "hook")),
        ("setup", AS_NOBODY),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else ("nobody" if value else "root"),
)
def test_a_build_gets_nothing(machine: Machine, kind: str, start: tuple[str, ...]) -> None:
    root, requirements = project(machine, kind)
    before = tree(root)
    secrets = {"GERRIT_PASSWORD": SECRET, "HOME": str(machine.folder / "home")}
    done = built(machine.store, root, *requirements, start=start, **secrets)
    assert done.error is None, done.log
    assert done.environment is not None
    told = json.loads((done.environment / "told.json").read_text())
    assert sorted(told) == sorted(hostile_build.PROBES)
    assert {name: why for name, why in told.items() if why[0] is not None or SECRET in (why[1] or "")} == {}
    assert machine.came() == []
    assert tree(root) == before
    assert "which is no package index" in done.log
    assert "169.254.169.254:80" in done.log
    assert SECRET not in done.log
    assert (machine.store / "environments" / "of-trunk" / "bin" / "python").read_text() == SECRET
    assert environments(machine.store) == {done.environment.name, f"{done.environment.name}.complete"}


# What a build leaves

LOOK = """
import glob, os, sys, json
seen = []
for path in {places!r}:
    try:
        seen.append(open(path).read() if os.path.isfile(path) else os.listdir(path))
    except OSError:
        pass
print("saw", json.dumps(seen))
"""


def look(*places: Path) -> str:
    return LOOK.format(places=[str(place) for place in places])


@pytest.mark.parametrize("start", [(), AS_NOBODY], ids=["root", "nobody"])
def test_what_a_build_says_that_it_is_made_on_is_not_believed(machine: Machine, start: tuple[str, ...]) -> None:
    """pyvenv.cfg and bin/python are the build's to write: what they name would be seen by the migrations."""
    trunks = machine.store / "environments" / "of-trunk"
    (trunks / "pyvenv.cfg").write_text("home = /usr/bin\n")
    root = with_backend(
        machine,
        f"""
        def evil():
            os.rename(TARGET + "/bin/python", TARGET + "/bin/python.real")
            os.symlink({str(trunks / "bin" / "python")!r}, TARGET + "/bin/other")
            with open(TARGET + "/bin/python", "w") as file:
                file.write("#!/bin/sh\\nexec " + TARGET + "/bin/python.real \\"$@\\"\\n")
            os.chmod(TARGET + "/bin/python", 0o755)
            with open(TARGET + "/pyvenv.cfg", "w") as file:
                file.write("home = /bin\\n")
            os.symlink("/etc", TARGET + "/etc")
            os.symlink({str(machine.folder)!r}, TARGET + "/machine")
        """,
    )
    places = (trunks, machine.folder / "secrets" / "a-file", machine.folder / "home", machine.store / "values")
    done = built(machine.store, root, ".", start=start, job={"at_start": look(*places, Path("/boot"), Path("/srv"))})
    assert done.error is None, done.log
    assert "saw []" in done.at_start
    assert SECRET not in done.at_start


def test_an_interpreter_that_is_a_link_to_another_environment_does_not_show_that(machine: Machine) -> None:
    other = machine.store / "environments" / "of-trunk"
    (other / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (other / "bin" / "python").unlink()
    (other / "bin" / "python").symlink_to("/usr/bin/python3")
    evil = f"""
        def evil():
            os.unlink(TARGET + "/bin/python")
            os.symlink({str(other / "bin" / "python")!r}, TARGET + "/bin/python")
        """
    root = with_backend(machine, evil)
    done = built(machine.store, root, ".", job={"at_start": look(other, other / "bin")})
    assert "saw [[" not in done.at_start


def test_code_that_runs_at_each_start_runs_in_a_sandbox_only(machine: Machine) -> None:
    """A replaced interpreter, a sitecustomize and a .pth file: each tries to leave a mark."""
    mark = f"open({str(machine.ran_outside)!r}, 'w')"
    code = f"import sys\ntry:\n    {mark}\nexcept OSError:\n    sys.stderr.write('it ran inside\\n')\n"
    pth = "import sys; exec(" + repr(code.replace("it ran", "the path ran")) + ")\n"
    root = with_backend(
        machine,
        f"""
        def evil():
            os.rename(TARGET + "/bin/python", TARGET + "/bin/python.real")
            with open(TARGET + "/bin/python", "w") as file:
                file.write("#!/bin/sh\\ntouch {machine.ran_outside} || echo the program ran inside >&2\\n")
                file.write("exec " + TARGET + "/bin/python.real \\"$@\\"\\n")
            os.chmod(TARGET + "/bin/python", 0o755)
        """,
        {"sitecustomize.py": code, "planted.pth": pth},
    )
    for name in ("sitecustomize.py", "planted.pth", "pip.conf", "uv.toml"):
        put(root, name, code)
    done = built(machine.store, root, ".", job={"at_start": "print('started')"})
    again = built(machine.store, root, ".", job={"at_start": "print('started')"})
    assert (done.error, again.environment) == (None, done.environment), done.log
    for told in (done.at_start, again.at_start):
        assert "the program ran inside" in told
        assert "it ran inside" in told
        assert "the path ran inside" in told
        assert "started" in told
    assert not machine.ran_outside.exists()


DAEMON = """
import os, sys
for number in range(100):
    if os.fork() == 0:
        os.setsid()
        open(sys.argv[2] + "/holds-%d" % number, "w").close()
        while True:
            pass
while not all(os.path.exists(sys.argv[2] + "/holds-%d" % number) for number in range(100)):
    pass
"""


def test_nothing_is_alive_of_what_was_confined_when_it_is_given_back(machine: Machine) -> None:
    """A hundred daemons take their time to die; until then they could swap files for links."""
    token = f"daemon-of-{machine.folder.name}"
    place = machine.folder / "place"
    place.mkdir()
    view = View(write=(place,), limits=Limits())
    with Bubblewrap().confined(view, machine.folder / "view") as room:
        subprocess.run(
            room.command(["/usr/bin/python3", "-c", DAEMON, token, str(place)]),
            stdin=subprocess.DEVNULL,
            pass_fds=room.descriptors,
            check=True,
        )
    assert (place / "holds-0").exists()
    assert with_token(token) == []


def test_a_daemon_is_gone_when_the_build_has_ended(machine: Machine) -> None:
    token = f"daemon-of-{machine.folder.name}"
    daemon = (
        "import subprocess\n"
        "def evil():\n"
        f"    words = [sys.executable, '-c', {DAEMON!r}, {token!r}, TARGET]\n"
        "    subprocess.run(words, env={}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
    )
    root = with_backend(machine, daemon)
    done = built(machine.store, root, ".", job={"token": token})
    assert done.error is None, done.log
    assert done.environment is not None
    assert (done.environment / "holds-0").exists()
    assert done.alive == []
    owners = {path.lstat().st_uid for path in done.environment.rglob("*")}
    assert owners == {os.geteuid()}


def test_folders_without_rights_and_deeper_than_python_walks_are_taken_back_and_deleted(machine: Machine) -> None:
    root = with_backend(
        machine,
        """
        def evil():
            os.chdir(TARGET)
            for _ in range(1500):
                os.mkdir("d")
                os.chdir("d")
            os.chmod(".", 0)
            os.chdir(TARGET)
            os.mkdir("closed")
            os.chmod("closed", 0)
        """,
    )
    done = built(machine.store, root, ".")
    assert done.error is None, done.log
    failing = with_backend(machine, (root / "backend.py").read_text().partition("def build_wheel")[0] + "\n    1 / 0\n")
    for start in ((), AS_NOBODY):
        failed = built(machine.store, failing, ".", commit="b" * 40, start=start)
        assert failed.kind == "EnvironmentFailed"
        assert environments(machine.store) == {done.environment and done.environment.name, _complete(done)}
    subprocess.run(["rm", "-rf", str(done.environment)], check=True)  # the test's own folder is deleted by Python


def _complete(done: Built) -> str:
    assert done.environment is not None
    return f"{done.environment.name}.complete"


# Builds without end


@pytest.mark.parametrize(
    ("evil", "job", "reason"),
    [
        ("while True: pass", {"seconds": 5.0}, "it was still at it after 5 s"),
        ("while True:\n        try: os.fork()\n        except OSError: pass", {"seconds": 10.0}, "after 10 s"),
        ("os.write(1, b'x' * 30_000_000); 1 / 0", {}, "Failed to build `thing|printed more than 10000000 bytes"),
        (
            "while True: os.write(1, b'x' * 99 + b'\\n')",
            {"limits": {"memory_bytes": 400 << 20}},
            "memory allocation of",
        ),
        (
            "held = []\n    while True: held.append(os.fork() and b'x' * 200_000_000)",
            {"limits": {"memory_bytes": 400 << 20}},
            "it used more than 400 MB of memory",
        ),
    ],
    ids=["loop", "forks", "output", "output without end", "memory"],
)
def test_a_build_without_end_ends(machine: Machine, evil: str, job: dict[str, object], reason: str) -> None:
    token = f"endless-of-{machine.folder.name}"
    root = with_backend(
        machine, f"import ctypes\ndef evil():\n    ctypes.CDLL(None).prctl(15, {token!r}[:15].encode())\n    {evil}\n"
    )
    done = built(machine.store, root, ".", job={"token": token, **job})
    assert done.kind == "EnvironmentFailed"
    assert re.search(reason, done.error or "")
    assert len(done.error or "") < 1000
    assert environments(machine.store) == set()
    assert list((machine.store / "instances").iterdir()) == []
    assert [path for path in Path("/proc").glob("[0-9]*/comm") if _says(path, token[:15])] == []


def _says(path: Path, text: str) -> bool:
    with suppress(OSError):
        return path.read_text().strip() == text
    return False


@pytest.mark.parametrize("where", ["the environment", "beside it"])
def test_a_full_disk_is_told_as_one_and_nothing_is_left_on_it(machine: Machine, where: str) -> None:
    with filesystem("ext4", 300 << 20) as disk:
        place = "TARGET" if where == "the environment" else "os.getcwd()"
        root = with_backend(
            machine,
            f"""
            import time
            def evil():
                with open({place} + "/fill", "wb") as file:
                    while True:
                        try:
                            file.write(b"x" * (1 << 20))
                        except OSError:
                            time.sleep(0.1)
            """.replace("evil():", "evil():  # " + where),
        )
        text = (root / "backend.py").read_text().replace(str(machine.store), str(disk))
        (root / "backend.py").write_text(text)
        before = shutil.disk_usage(disk).used
        done = built(disk, root, ".")
        assert done.kind == "DiskFull", done.error
        assert environments(disk) == set()
        assert shutil.disk_usage(disk).used < before + (1 << 20)


def test_a_disk_without_room_for_another_file_is_full(machine: Machine) -> None:
    with filesystem("ext4", 300 << 20) as disk:
        root = with_backend(
            machine,
            """
            def evil():
                number = 0
                while True:
                    open(TARGET + "/%d" % number, "w").close()
                    number += 1
            """,
        )
        text = (root / "backend.py").read_text().replace(str(machine.store), str(disk))
        (root / "backend.py").write_text(text)
        done = built(disk, root, ".")
        assert done.kind == "DiskFull", done.error
        assert environments(disk) == set()


def test_a_killed_build_is_not_taken_for_an_environment_and_the_next_build_deletes_it(machine: Machine) -> None:
    root = with_backend(machine, "import time\ndef evil():\n    open(TARGET + '/begun', 'w')\n    time.sleep(1000)\n")
    kept = machine.store / "environments"
    with started(machine.store, root, ".") as process:
        eventually(lambda: list(kept.glob("*/begun")), "the build begins")
        process.send_signal(signal.SIGKILL)
    (left,) = environments(machine.store)
    assert not (kept / f"{left}.complete").exists()
    # Built once more, and not taken as it is.
    again = built(machine.store, root, ".", job={"seconds": 3.0})
    assert "it was still at it after 3 s" in (again.error or "")
    # Or swept by another build, if nobody asks for it again.
    with started(machine.store, root, ".") as process:
        eventually(lambda: list(kept.glob("*/begun")), "the build begins")
        process.send_signal(signal.SIGKILL)
    sweep(machine.store)
    assert list((machine.store / "instances").iterdir()) == []
    other = built(machine.store, with_backend(machine, ""), ".", commit="b" * 40)
    assert other.environment is not None
    assert environments(machine.store) == {other.environment.name, _complete(other)}


# Poison


def content(environment: Path) -> dict[str, object]:
    return {name: one[-1] for name, one in tree(environment).items() if not name.endswith((".pyc", "/RECORD"))}


HOSTILE_FILES = {
    "setup.py": "raise SystemExit('ran')",
    "six.py": "hostile = True",
    "six/__init__.py": "hostile = True",
    "sitecustomize.py": "hostile = True",
    "uv.toml": "[[index]]\nurl = 'http://127.0.0.1:1/simple'\ndefault = true\n",
    "pyproject.toml": "[tool.uv]\nno-index = true\n[tool.uv.sources]\nsix = { path = './six' }\n",
    "constraints.txt": "six<1.16",
    "pip.conf": "[global]\nno-index = true\n",
    ".python-version": "3.8",
    ".venv/pyvenv.cfg": "home = /bin\n",
    ".env": "UV_NO_INDEX=1\n",
}


@pytest.mark.parametrize("first", ["trunk", "patch"])
def test_whoever_is_first_trunk_and_a_patch_of_the_same_requirements_share_what_the_patch_has_no_part_in(
    machine: Machine, first: str
) -> None:
    trunk, patch = machine.folder / "trunk", machine.folder / "patch"
    for root in (trunk, patch):
        put(root, "requirements.txt", "six==1.17.0\n")
    for name, text in HOSTILE_FILES.items():
        put(patch, name, text)
    order = (trunk, patch) if first == "trunk" else (patch, trunk)
    one, two = (built(machine.store, root, "-r", "requirements.txt", commit=root.name * 8) for root in order)
    assert one.error is None, one.log
    assert one.environment == two.environment
    assert one.environment is not None
    alone = built(machine.folder / "other-store", trunk, "-r", "requirements.txt")
    assert alone.environment is not None
    theirs, own = content(one.environment), content(alone.environment)
    assert {name for name in theirs if theirs[name] != own.get(name)} <= _with_their_own_path(own, alone.environment)
    assert theirs.keys() == own.keys()


def _with_their_own_path(found: dict[str, object], environment: Path) -> set[str]:
    return {name for name, data in found.items() if isinstance(data, bytes) and str(environment).encode() in data}


def test_a_patch_with_other_requirements_does_not_share(machine: Machine) -> None:
    root = machine.folder / "tree"
    environments = []
    for text in ("six==1.17.0\n", "six==1.16.0\n"):
        put(root, "requirements.txt", text)
        environments.append(built(machine.store, root, "-r", "requirements.txt").environment)
    assert None not in environments
    assert len(set(environments)) == 2


# What is no file of requirements


@pytest.mark.parametrize("how", ["link", "path"])
def test_a_file_of_requirements_out_of_the_tree_is_refused_unread(machine: Machine, how: str) -> None:
    root = machine.folder / "tree"
    root.mkdir()
    if how == "link":
        (root / "requirements.txt").symlink_to("/etc/shadow")
    else:
        put(root, "requirements.txt", "-r ../secrets/a-file\n")
    done = built(machine.store, root, "-r", "requirements.txt")
    assert done.kind == "EnvironmentFailed"
    assert "leads out of the tree" in (done.error or "")
    for secret in (SECRET, "root:"):
        assert secret not in (done.error or "") + done.log


def test_an_interpreter_of_the_project_s_own_is_no_ground_to_build_on(machine: Machine) -> None:
    root = machine.folder / "tree"
    put(root, "bin/python", f"#!/bin/sh\ntouch {machine.ran_outside}\necho 3.11\n").chmod(0o755)
    done = built(machine.store, root, "six", job={"python": "bin/python"})
    assert done.kind == "UsageError"
    assert "is a file of the project" in (done.error or "")
    assert not machine.ran_outside.exists()
