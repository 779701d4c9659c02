"""What every Sandbox keeps to, and what only one that holds keeps to; as root, and as a user without rights."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from migci.adapters.instances import MARKER, descendants, marked
from migci.adapters.sandboxes import bubblewrap
from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.sandboxes.confinement import Confined, Limits, Sandbox, View
from migci.adapters.sandboxes.none import NoSandbox
from migci.ports import EnvironmentFailed
from tests.contract.flavors import eventually

SANDBOXES: dict[str, Sandbox] = {"bubblewrap": Bubblewrap(), "none": NoSandbox()}
HELD = View(limits=Limits(memory_bytes=300 << 20, temporary_bytes=20 << 20, processes=20, open_files=64))
AS_NOBODY = "MIGCI_TEST_AS_NOBODY"


@pytest.fixture(params=list(SANDBOXES))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return SANDBOXES[request.param]


@pytest.fixture
def bwrap() -> Sandbox:
    return SANDBOXES["bubblewrap"]


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    told: str


def environment(confined: Confined, mark: str = "") -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(confined.home), MARKER: mark}


def run(confined: Confined, *words: str, descriptors: tuple[int, ...] = ()) -> Ran:
    done = subprocess.run(
        confined.command(list(words)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=(*confined.descriptors, *descriptors),
        env=environment(confined),
    )
    return Ran(done.returncode, done.stdout.strip(), confined.told(done.returncode))


def sh(confined: Confined, script: str) -> str:
    return run(confined, "sh", "-c", script).out


@contextmanager
def running(confined: Confined, script: str, mark: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that is alive, once it has printed something."""
    process = subprocess.Popen(
        confined.command(["sh", "-c", script]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=confined.descriptors,
        start_new_session=True,
        env=environment(confined, mark),
    )
    assert process.stdout is not None
    try:
        process.stdout.read(1)
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# Every one


def test_it_works_here(sandbox: Sandbox) -> None:
    assert sandbox.trouble() is None


def test_a_command_runs_and_is_heard(sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.confined(HELD, tmp_path / "own") as confined:
        assert run(confined, "echo", "a b", "c").out == "a b c"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 0", "its process ended with status 0"),
        ("exit 7", "its process ended with status 7"),
        ("kill -KILL $$", "its process was killed by SIGKILL"),
        ("kill -SEGV $$", "its process was killed by SIGSEGV"),
    ],
)
def test_how_it_ended_is_told(sandbox: Sandbox, tmp_path: Path, script: str, told: str) -> None:
    with sandbox.confined(HELD, tmp_path / "own") as confined:
        assert run(confined, "sh", "-c", script).told == told


def test_a_home_can_be_written_to_and_is_gone_afterwards(sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.confined(HELD, tmp_path / "own") as confined:
        assert sh(confined, 'echo kept > "$HOME/file" && cat "$HOME/file"') == "kept"
    with sandbox.confined(HELD, tmp_path / "own") as confined:
        assert sh(confined, 'ls -A "$HOME"') == ""
    assert list((tmp_path / "own").iterdir()) == []


def test_a_descriptor_is_handed_down(sandbox: Sandbox, tmp_path: Path) -> None:
    there, here = os.pipe()
    with sandbox.confined(HELD, tmp_path / "own") as confined:
        run(confined, "/usr/bin/python3", "-c", f"import os; os.write({here}, b'told')", descriptors=(here,))
    os.close(here)
    with os.fdopen(there) as read:
        assert read.read() == "told"


def test_its_environment_is_what_it_was_given(sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.confined(HELD, tmp_path / "own") as confined:
        names = {line.partition("=")[0] for line in sh(confined, "env").splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "HOME", MARKER}


@pytest.mark.parametrize(
    ("script", "strangers"), [("sleep 1000 & echo; wait", 1), ("setsid sleep 1000 & sleep 1000 & echo; wait", 2)]
)
def test_what_a_command_began_is_counted(sandbox: Sandbox, tmp_path: Path, script: str, strangers: int) -> None:
    with sandbox.confined(HELD, tmp_path / "own") as confined, running(confined, script, "") as process:
        eventually(lambda: confined.strangers(descendants({process.pid})) == strangers)


def test_a_command_alone_has_begun_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    with (
        sandbox.confined(HELD, tmp_path / "own") as confined,
        running(confined, "echo; exec sleep 1000", "") as process,
    ):
        assert confined.strangers(descendants({process.pid})) == 0


def test_nothing_outlives_the_process_that_started_it(sandbox: Sandbox, tmp_path: Path) -> None:
    mark = f"contract-of-the-sandboxes-{os.getpid()}-{sandbox.name}"
    script = f"""
        import subprocess, sys
        from pathlib import Path
        from tests.contract.test_sandbox import HELD, SANDBOXES, environment
        with SANDBOXES[{sandbox.name!r}].confined(HELD, Path({str(tmp_path / "own")!r})) as confined:
            subprocess.run(confined.command(["sleep", "1000"]), pass_fds=confined.descriptors,
                           env=environment(confined, {mark!r}))
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)]) as migci:
        eventually(lambda: any(Path(f"/proc/{pid}/comm").read_text() == "sleep\n" for pid in marked(mark)))
        migci.kill()
    eventually(lambda: marked(mark) == [])


# One that holds


def test_nothing_is_seen_but_the_view(bwrap: Sandbox, tmp_path: Path) -> None:
    for name in ("seen", "unseen"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    view = replace(HELD, read=(tmp_path / "seen",), links=((tmp_path / "link", "seen/file"),))
    with bwrap.confined(view, tmp_path / "own") as confined:
        assert sh(confined, f"cat {tmp_path}/seen/file {tmp_path}/link; ls -A {tmp_path}") == "seenseenlink\nseen"
        assert sh(confined, "ls -A /home /root /var /run /srv /mnt /opt 2>/dev/null | grep -v :") == ""
        assert "root" not in sh(confined, "cat /etc/passwd")


def test_what_may_be_read_cannot_be_written_to(bwrap: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "seen").mkdir(mode=0o777)
    with bwrap.confined(replace(HELD, read=(tmp_path / "seen",)), tmp_path / "own") as confined:
        assert "Read-only file system" in sh(confined, f"echo x > {tmp_path}/seen/file")
        for place in ("/", "/usr", "/etc", "/dev", "/proc/sys/kernel"):
            assert run(confined, "sh", "-c", f"echo x > {place}/file").status != 0


def test_what_may_be_written_to_is_migci_s_again_afterwards(bwrap: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "own-data").mkdir()
    (tmp_path / "own-data" / "old").write_text("")
    (tmp_path / "precious").write_text("")
    before = (tmp_path / "precious").stat().st_uid
    with bwrap.confined(replace(HELD, write=(tmp_path / "own-data",)), tmp_path / "own") as confined:
        assert sh(confined, f"cd {tmp_path}/own-data; echo x > old && mkdir new && ln -s ../precious new/link") == ""
    assert {path.lstat().st_uid for path in (tmp_path / "own-data").rglob("*")} == {os.geteuid()}
    assert (tmp_path / "precious").stat().st_uid == before


def test_folders_in_folders_without_end_do_not_keep_it(bwrap: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    dig = "import os\nfor _ in range(1200):\n    os.mkdir('d' * 50)\n    os.chdir('d' * 50)"
    with bwrap.confined(replace(HELD, write=(tmp_path / "deep",)), tmp_path / "own") as confined:
        done = run(confined, "sh", "-c", f'cd {tmp_path}/deep && /usr/bin/python3 -c "{dig}"')
        assert (done.status, done.out) == (0, "")
    subprocess.run(["rm", "-rf", str(tmp_path / "deep")], check=True)


def test_it_is_the_owner_of_what_it_looks_at_where_that_is_asked_for(bwrap: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    view = replace(HELD, write=(tmp_path / "data",))
    with bwrap.confined(view, tmp_path / "own") as confined, running(confined, "echo; exec sleep 1000", ""):
        sh(confined, f"umask 077; echo x > {tmp_path}/data/file")
        with bwrap.confined(replace(view, as_owner=True), tmp_path / "look") as onlooker:
            assert sh(onlooker, f"cat {tmp_path}/data/file") == "x"
        assert sh(confined, f"cat {tmp_path}/data/file") == "x"


def test_it_has_no_rights_and_gains_none(bwrap: Sandbox, tmp_path: Path) -> None:
    with bwrap.confined(HELD, tmp_path / "own") as confined:
        status = sh(confined, "cat /proc/self/status")
        assert set(re.findall(r"^Cap\w+:\t(\w+)$", status, re.MULTILINE)) == {"0" * 16}
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        assert run(confined, "unshare", "--user", "true").status != 0
        if os.geteuid() == 0:
            assert 61184 <= int(sh(confined, "id -u")) < 65520


def test_it_has_no_network_and_no_processes_but_its_own(bwrap: Sandbox, tmp_path: Path) -> None:
    with bwrap.confined(HELD, tmp_path / "own") as confined:
        assert re.findall(r"^ *(\w+):", sh(confined, "cat /proc/net/dev"), re.MULTILINE) == ["lo"]
        assert len(sh(confined, "ls -d /proc/[0-9]*").splitlines()) < 6


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("b'x' * (400 << 20)", "MemoryError"),
        ("[open('/dev/null') for _ in range(100)]", "Too many open files"),
        ("open('/tmp/large', 'wb').write(b'x' * (30 << 20))", "No space left on device"),
        ("open('/dev/shm/large', 'wb').write(b'x' * (30 << 20))", "No space left on device"),
        pytest.param(
            "[os.fork() or time.sleep(1000) for _ in range(40)]",
            "BlockingIOError",
            # Of processes, the kernel lets the machine's root have any number, whatever he is called.
            marks=pytest.mark.skipif(AS_NOBODY in os.environ, reason="he is root outside, which is what he is made of"),
        ),
        ("mmap.mmap(-1, 1 << 20)", "Operation not permitted"),
        ("socket.socket(40)", "Address family not supported"),
    ],
)
def test_a_limit_is_kept(bwrap: Sandbox, tmp_path: Path, code: str, refused: str) -> None:
    script = f"import mmap, os, socket, time\nheld = {code}"
    with bwrap.confined(HELD, tmp_path / "own") as confined:
        done = run(confined, "timeout", "20", "/usr/bin/python3", "-c", script)
    assert done.status == 1
    assert refused in done.out


def test_a_program_of_this_machine_is_held_to_a_view_and_to_no_limit(bwrap: Sandbox, tmp_path: Path) -> None:
    with bwrap.confined(View(), tmp_path / "own") as confined:
        assert sh(confined, "ulimit -d") == subprocess.check_output(["sh", "-c", "ulimit -d"], text=True).strip()
        assert sh(confined, f"ls -A {Path(__file__).parent} 2>&1").endswith("No such file or directory")


def test_what_keeps_watch_cannot_be_reached_from_inside(bwrap: Sandbox, tmp_path: Path) -> None:
    script = 'for pid in 1 $PPID; do head -c 1 "/proc/$pid/environ" 2>&1 | grep -c denied; done'
    with bwrap.confined(HELD, tmp_path / "own") as confined:
        assert sh(confined, script) == "1\n1"


def test_a_missing_program_is_told_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_PLACES", str(tmp_path))
    with (
        pytest.raises(EnvironmentFailed, match=r"^bwrap is not on this machine") as failed,
        Bubblewrap().confined(HELD, tmp_path / "own"),
    ):
        pass
    assert failed.value.hint is not None
    assert failed.value.hint.startswith("apt-get install bubblewrap;")
    assert str(Bubblewrap().trouble()).startswith("bwrap is not on this machine")


@pytest.mark.skipif(os.geteuid() != 0 or AS_NOBODY in os.environ, reason="that is what this is run by")
def test_all_of_it_holds_for_a_user_without_rights(tmp_path: Path) -> None:
    words = ["unshare", "--user", "--map-user=1000", "--map-group=1000", sys.executable, "-m", "pytest", __file__]
    done = subprocess.run(
        [*words, "-p", "no:cacheprovider", "-p", "no:xdist", "--basetemp", str(tmp_path / "nobody")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, AS_NOBODY: "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
