"""Builds a git repository of Nova's real migrations, with a patch on top and data to replay them on."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template

import uv

from migci.demo import fixtures, repository
from migci.errors import MigciError, UsageError

VERSION = "22.4.0"
SDIST = f"nova-{VERSION}.tar.gz"
SDIST_SHA256 = "a9e58607c90e60223c3c622707adf3b825ca33a4e8e680cc8e0d245ec29c8119"
DOWNLOAD_LIMIT_SECONDS = 600
LEAST_ROWS, MOST_ROWS = 1_000, 20_000_000

MIGRATIONS = "nova/db/sqlalchemy/migrate_repo"
# All that the migrations import of Nova, besides what fixtures/projects/nova/stubs stands in for.
NOVA_FILES = (
    "LICENSE",
    "nova/__init__.py",
    "nova/exception.py",
    "nova/i18n.py",
    "nova/db/__init__.py",
    "nova/db/sqlalchemy/__init__.py",
    "nova/db/sqlalchemy/types.py",
)
REQUIREMENTS = "migci-requirements.txt"
FILL = "fill.sql"

# `fill.sql` makes between 27.4 and 28 rows for each instance, from 10 000 rows up.
ROWS_PER_INSTANCE = 27


_COMPILED = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class _Release:
    name: str
    until: int
    remedy: str | None = None


# Each release ends where the migrations that were kept free for its backports begin: until Liberty those
# say so themselves, afterwards Nova's change log does. Icehouse used the first of its ten, 234. Neither says
# where Rocky ended. What comes after Stein is trunk.
_RELEASES = (
    _Release("havana", 216),
    _Release("icehouse", 234),
    _Release("juno", 254),
    _Release("kilo", 280, "remedy_kilo.sql"),
    _Release("liberty", 302),
    _Release("mitaka", 319, "remedy_mitaka.sql"),
    _Release("newton", 334, "remedy_newton.sql"),
    _Release("ocata", 347),
    _Release("pike", 362, "remedy_pike.sql"),
    _Release("queens", 378),
    _Release("stein", 391),
)

_SETTINGS = """\
[project]
name = "nova"
tool = "sqlalchemy-migrate"
migrations = "$migrations"
trunk = "master"

[project.environment]
requirements = ["-r", "$requirements"]

$releases
[server]
flavor = "mariadb"
options = ["--character-set-server=utf8mb3", "--innodb-buffer-pool-size=512M"]

[datasets.synthetic]
source = "empty"
contents = "synthetic"

[datasets.synthetic.limits]
step_seconds = 60
"""


def build(destination: Path, *, rows: int, remedy: bool, cache: Path) -> None:
    """Makes `destination` a git repository that `migci replay` can be run in.

    Its branch `master` holds Nova's 197 migrations (216 to 412), the few modules that they import and a
    `migci.toml`; `patch`, which is checked out, adds migration 413. The dataset starts empty and is filled
    after Havana with `rows` rows or a few percent more. With `remedy` the releases mend their data as a
    deployer would; without, Nova itself refuses to go beyond 290.

    The same arguments make the same commits. Nova's source is downloaded into `cache` once and used only if
    its SHA-256 is the pinned one. On failure nothing is left at `destination`. Raises UsageError if
    `destination` exists or `rows` is out of range, MigciError if the source cannot be had or git fails.
    """
    if not LEAST_ROWS <= rows <= MOST_ROWS:
        raise UsageError(
            f"cannot fill a nova database with {rows} rows", f"choose from {LEAST_ROWS} to {MOST_ROWS} rows"
        )
    if os.path.lexists(destination):
        raise UsageError(f"{destination} exists already", "name a folder that does not exist")
    try:
        sdist = _sdist(cache)
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{destination.name}-", dir=destination.parent) as work:
            tree = Path(work) / "repository"
            _unpack(sdist, tree)
            _complete(tree, rows, remedy)
            repository.begin(tree, "master")
            repository.commit(tree, "Nova's migrations from Havana to Victoria", "2022-03-10T12:00:00+00:00")
            repository.git(tree, "checkout", "--quiet", "-b", "patch")
            shutil.copytree(fixtures() / "nova" / "patch", tree, dirs_exist_ok=True, ignore=_COMPILED)
            repository.commit(tree, "Name an instance's compute node by its id", "2022-03-11T12:00:00+00:00")
            tree.rename(destination)
    except OSError as error:
        raise MigciError(
            f"could not build the nova demo at {destination}: {error}",
            f"make sure that {destination.parent} and {cache} can be written and have 100 MB free",
        ) from error


def _sdist(cache: Path) -> Path:
    """Nova's source archive in `cache`, downloaded unless it is there; its content is the pinned one."""
    archive = cache / SDIST
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=cache) as work:
            _download(Path(work), cache)
            _verify(Path(work) / SDIST)
            (Path(work) / SDIST).replace(archive)
    _verify(archive)
    return archive


def _verify(archive: Path) -> None:
    with archive.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != SDIST_SHA256:
        raise MigciError(
            f"{archive} is not Nova's {SDIST}: its SHA-256 is {found}, not {SDIST_SHA256}",
            "delete it, so that it is downloaded again",
        )


def _download(folder: Path, cache: Path) -> None:
    """Has pip put the archive into `folder`, from whichever package index pip is configured to use.

    pip runs an archive's build to learn its dependencies, even where they are not wanted. So it is given the
    hash, to refuse any other archive unopened, and what Nova's build imports, to spare it an environment.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"nova=={VERSION} --hash=sha256:{SDIST_SHA256}\n")
    tool = [
        uv.find_uv_bin(),
        "tool",
        "run",
        f"--python={sys.executable}",
        "--with=pbr",
        "--with=setuptools<81",
    ]
    options = ["--no-deps", "--no-binary=nova", "--no-build-isolation", "--require-hashes", "--quiet"]
    hint = f"check the network and pip's settings, or put {SDIST} into {cache} yourself"
    command = [*tool, "pip", "download", *options, f"--dest={folder}", f"--requirement={wanted}"]
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise MigciError(f"could not download {SDIST} within {DOWNLOAD_LIMIT_SECONDS} s", hint) from error
    if run.returncode != 0 or not (folder / SDIST).is_file():
        said = run.stderr.strip() or f"pip ended with exit status {run.returncode}"
        raise MigciError(f"could not download {SDIST}: {said}", hint)


def _unpack(sdist: Path, tree: Path) -> None:
    """Writes NOVA_FILES and all below MIGRATIONS, and nothing else of `sdist`, into the new folder `tree`."""
    root = SDIST.removesuffix(".tar.gz") + "/"
    with tarfile.open(sdist, "r:gz") as archive:
        for member in archive:
            name = member.name.removeprefix(root)
            if not member.isfile() or not (name in NOVA_FILES or name.startswith(MIGRATIONS + "/")):
                continue
            content = archive.extractfile(member)
            assert content is not None, "a regular file has content"
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read())


def _complete(tree: Path, rows: int, remedy: bool) -> None:
    """Adds to `tree` what makes Nova's files a project of migci's: stubs, requirements, settings and data."""
    ours = fixtures() / "nova"
    shutil.copytree(ours / "stubs", tree, dirs_exist_ok=True, ignore=_COMPILED)
    shutil.copyfile(ours / REQUIREMENTS, tree / REQUIREMENTS)
    (tree / ".gitignore").write_text("/.migci/\n__pycache__/\n")
    (tree / FILL).write_text(Template((ours / FILL).read_text()).substitute(_numbers(rows)))
    after = {"havana": FILL}
    if remedy:
        after |= {release.name: release.remedy for release in _RELEASES if release.remedy}
        for release in _RELEASES:
            if release.remedy:
                shutil.copyfile(ours / release.remedy, tree / release.remedy)
    releases = "".join(
        f'[[project.releases]]\nname = "{release.name}"\nuntil = "{release.until}"\n'
        + (f'after = "{after[release.name]}"\n\n' if release.name in after else "\n")
        for release in _RELEASES
    )
    settings = Template(_SETTINGS).substitute(
        migrations=MIGRATIONS, requirements=REQUIREMENTS, releases=releases.rstrip("\n") + "\n"
    )
    (tree / "migci.toml").write_text(settings)


def _numbers(rows: int) -> dict[str, int]:
    """How many of each thing a database of `rows` rows has, under the names that `fill.sql` asks for."""
    instances = -(-rows // ROWS_PER_INSTANCE)
    projects = max(10, instances // 40)
    addresses = 2 * instances
    return {
        "rows": rows,
        "instances": instances,
        "hosts": max(8, instances // 25),
        "users": 2 * projects,
        "keys": 4 * projects,
        "groups": 2 * projects,
        "big_projects": projects // 4,
        "addresses": addresses,
        "networks": addresses // 4000 + 1,
        "floating": instances // 4,
    }
