"""What of a machine is seen for an interpreter to run: all that it needs, and nothing that lies beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv

from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.sandboxes.confinement import environment
from migci.adapters.sandboxes.interpreters import seen_by

SYSTEM = Path("/usr/bin/python3")
REAL = Path(sys.executable).resolve()

needs_system_python = pytest.mark.skipif(not SYSTEM.exists(), reason=f"there is no {SYSTEM}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a secret in it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("hunter2")
    monkeypatch.setenv("HOME", str(home))
    return home


def installation(place: Path, version: str = "3.11") -> Path:
    """What has the shape of one; returns its interpreter."""
    (place / "bin").mkdir(parents=True)
    library = place / "lib" / f"python{version}"
    library.mkdir(parents=True)
    (library / "os.py").touch()
    python = place / "bin" / f"python{version}"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    (place / "bin" / "python").symlink_to(python.name)
    return place / "bin" / "python"


def made_on(base: Path, place: Path) -> Path:
    """What has the shape of an environment on `base`; returns its interpreter."""
    (place / "bin").mkdir(parents=True)
    (place / "pyvenv.cfg").write_text(f"home = {base.parent}\nversion = 3.11\n")
    (place / "bin" / "python").symlink_to(base)
    return place / "bin" / "python"


def runs(python: Path, folder: Path) -> str:
    """What it says of itself in a sandbox in which nothing but its own view is seen."""
    with Bubblewrap().confined(seen_by(python), folder) as room:
        return subprocess.run(
            room.command([str(python), "-c", "import sys, json, ssl; print(sys.prefix)"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=environment(python, room.home, {}, "test-of-interpreters"),
        ).stdout.strip()


def shows(view_of: Path, path: Path) -> bool:
    return any(path.is_relative_to(place) for place in seen_by(view_of).read)


def virtual(base: Path, place: Path) -> Path:
    command = [uv.find_uv_bin(), "venv", "--quiet", "--no-project", "--python", str(base), str(place)]
    subprocess.run(command, check=True, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})
    return place / "bin" / "python"


# Interpreters that run


def found() -> Iterator[Path]:
    """One of each kind that this machine has."""
    yield Path(sys.executable)
    if SYSTEM.exists():
        yield SYSTEM
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from sorted(root.glob("3.1[0-9]*/bin/python"))[-1:]


@pytest.mark.parametrize("base", list(found()), ids=str)
def test_an_interpreter_and_an_environment_on_it_run_with_what_is_seen_by_them(base: Path, tmp_path: Path) -> None:
    assert Path(runs(base, tmp_path / "view")) == Path(
        subprocess.check_output([base, "-c", "import sys; print(sys.prefix)"], text=True).strip()
    )
    python = virtual(base, tmp_path / "environment")
    assert runs(python, tmp_path / "view") == str(tmp_path / "environment")


def test_a_chain_of_links_is_followed_to_where_it_ends(tmp_path: Path) -> None:
    python = virtual(REAL, tmp_path / "environments" / "one")
    (tmp_path / "named").symlink_to("environments")
    (tmp_path / "first").symlink_to("named/one/bin/python")
    (tmp_path / "second").symlink_to(tmp_path / "first")
    assert (tmp_path / "second").resolve() == python.resolve()
    assert runs(tmp_path / "second", tmp_path / "view")
    assert (tmp_path / "second", str(tmp_path / "first")) in seen_by(tmp_path / "second").links


def test_an_installation_that_is_known_by_the_link_to_its_folder_is_seen_by_both_names(tmp_path: Path) -> None:
    """As uv and pyenv keep them: `cpython-3.11` is a link to `cpython-3.11.7`."""
    installation(tmp_path / "cpython-3.11.7")
    (tmp_path / "cpython-3.11").symlink_to("cpython-3.11.7")
    python = made_on(tmp_path / "cpython-3.11" / "bin" / "python3.11", tmp_path / "environment")
    assert set(seen_by(python).read) == {
        tmp_path / "environment",
        tmp_path / "cpython-3.11",
        tmp_path / "cpython-3.11.7",
    }


def test_an_environment_on_an_environment_is_seen_with_both_and_what_they_are_made_on(tmp_path: Path) -> None:
    base = installation(tmp_path / "base")
    first = made_on(base, tmp_path / "first")
    second = made_on(first, tmp_path / "second")
    assert set(seen_by(second).read) == {tmp_path / "base", tmp_path / "first", tmp_path / "second"}


# What is never shown


@needs_system_python
@pytest.mark.parametrize("programs", ["/bin", "/usr/bin", "/sbin", "/"])
def test_an_environment_on_the_systems_own_python_does_not_show_the_machine(tmp_path: Path, programs: str) -> None:
    """`/bin` is `/usr/bin`, and so `/` has a `lib` with a Python in it."""
    python = made_on(SYSTEM, tmp_path / "environment")
    (tmp_path / "environment" / "pyvenv.cfg").write_text(f"home = {programs}\n")
    assert seen_by(python).read == (tmp_path / "environment",)


@needs_system_python
def test_the_systems_own_python_shows_nothing_that_is_not_seen_anyway() -> None:
    for name in ("/bin/python3", "/usr/bin/python3"):
        assert seen_by(Path(name)).read == ()
        assert seen_by(Path(name)).links == ()


def test_an_interpreter_in_the_home_folder_s_bin_does_not_show_the_home_folder(home: Path, tmp_path: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "python").symlink_to(installation(tmp_path / "base"))
    view = seen_by(home / "bin" / "python")
    assert view.read == (tmp_path / "base",)
    assert view.links == ((home / "bin" / "python", str(tmp_path / "base" / "bin" / "python")),)


def test_an_installation_in_the_home_folder_shows_only_what_is_pythons(home: Path) -> None:
    python = installation(home)
    (home / "bin" / "a-script-with-a-password").touch()
    (home / "lib" / "libpython3.11.so.1.0").touch()
    assert seen_by(python).read == (
        home / "lib" / "python3.11",
        home / "lib" / "libpython3.11.so.1.0",
        home / "bin" / "python3.11",
    )


@pytest.mark.parametrize("place", ["home", "project"])
def test_an_environment_in_a_folder_of_other_things_shows_only_what_is_pythons(
    home: Path, tmp_path: Path, place: str
) -> None:
    folder = tmp_path / place
    (folder / ".git").mkdir(parents=True)
    python = made_on(installation(tmp_path / "base"), folder)
    (folder / "lib" / "python3.11").mkdir(parents=True)
    assert shows(python, folder / "lib" / "python3.11" / "site-packages")
    assert shows(python, folder / "pyvenv.cfg")
    for hidden in (folder, folder / ".git", folder / "secret"):
        assert not shows(python, hidden)


def test_a_program_that_belongs_to_no_installation_is_seen_alone(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("#!/bin/sh\n")
    assert seen_by(tmp_path / "bin" / "python").read == (tmp_path / "bin" / "python",)


def test_an_environment_that_says_it_is_made_on_itself_is_seen_once(tmp_path: Path) -> None:
    python = made_on(tmp_path / "one" / "bin" / "python3", tmp_path / "one")
    assert seen_by(python).read == (tmp_path / "one",)


def test_links_that_lead_in_a_circle_show_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert seen_by(tmp_path / "one").read == ()


def test_nothing_of_an_interpreter_is_run_to_know_what_it_sees(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    python.chmod(0o755)
    seen_by(python)
    assert not (tmp_path / "ran").exists()


def test_an_environment_that_says_it_is_made_on_a_link_to_everything_shows_nothing_of_that(tmp_path: Path) -> None:
    everything = tmp_path / "checkout" / "everything"
    programs = tmp_path / "checkout" / ".venv" / "bin"
    programs.mkdir(parents=True)
    everything.symlink_to("/")
    (programs.parent / "pyvenv.cfg").write_text(f"home = {everything}/bin\n")
    (programs / "python").symlink_to("/usr/bin/python3")
    assert everything not in seen_by(programs / "python").read
