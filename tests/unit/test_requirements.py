"""What an environment is built from: what is named is laid out, nothing else is, and the digest knows all of it."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from migci.adapters.requirements import Plan, planned
from migci.core.run import Commit
from migci.errors import MigciError, UsageError
from migci.ports import EnvironmentFailed, Tree
from tests.contract.projects import put


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "root"
    put(root, "requirements.txt", "alembic\n")
    put(root, "src/shop.py", "")
    return Tree(Commit("patch", "a" * 40), root, root)


def with_requirements(tree: Tree, text: str | bytes, *arguments: str) -> Plan:
    (tree.root / "requirements.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return planned(tree, arguments or ("-r", "requirements.txt"))


def names(plan: Plan) -> list[str]:
    return sorted(str(file.relative_to(plan.tree.root)) for file in plan.files)


def laid_out(plan: Plan, work: Path) -> dict[str, str]:
    """Every file that a build finds, but git's own."""
    top = work / "tree"
    plan.laid_out(work)
    return {
        str(file.relative_to(top)): file.read_text()
        for file in sorted(top.rglob("*"))
        if file.is_file() and not file.is_symlink() and ".git" not in file.relative_to(top).parts
    }


# What counts as local


@pytest.mark.parametrize(
    "line",
    [
        ".",
        "./vendored",
        "..",
        "vendored/thing",
        "/opt/thing",
        "~/thing",
        "-e .",
        "-e vendored",
        "--editable .",
        "--editable=.",
        "  -e .",
        "\t./vendored",
        "thing @ file:///opt/thing",
        "thing@file:./thing",
        "thing @ ./thing",
        "thing @ vendored/thing",
        "thing[extra] @ vendored/thing ; python_version > '3'",
        "file:///opt/thing",
        "thing-1.0-py3-none-any.whl",
        "thing-1.0.tar.gz",
        "thing @ thing-1.0.zip",
        "${HOME}/thing",
        "-f vendored",
        "--find-links=./vendored",
        ".[extra]",
        "vendored/thing  # with words",
    ],
)
def test_what_names_some_of_the_tree_gets_all_of_it(tree: Tree, line: str) -> None:
    assert with_requirements(tree, f"alembic\n{line}\n").local
    if not line.startswith((" ", "\t")):
        assert planned(tree, ("alembic", *line.split(" ", 1)) if line.startswith("-") else ("alembic", line)).local


def test_a_mark_of_the_order_of_bytes_hides_nothing(tree: Tree) -> None:
    """uv reads over it, too."""
    assert with_requirements(tree, b"\xef\xbb\xbf-e .\n").local


def test_a_carriage_return_begins_a_line(tree: Tree) -> None:
    assert with_requirements(tree, b"alembic\r-e .").local


@pytest.mark.parametrize(
    "line",
    [
        "alembic",
        "alembic==1.2.3",
        "alembic>=1,<2 ; python_version < '3.12'",
        "alembic[tz]",
        "# -e . is not what we do",
        "alembic  # see ./docs",
        "alembic @ https://example.org/alembic-1.0.tar.gz",
        "git+https://example.org/thing.git",
        "--index-url https://example.org/simple",
        "--find-links https://example.org/files/",
        "alembic==1.2.3 --hash=sha256:0123",
        "",
    ],
)
def test_what_comes_from_elsewhere_needs_nothing_of_the_tree(tree: Tree, line: str) -> None:
    assert not with_requirements(tree, f"{line}\n").local


def test_a_folder_that_is_called_as_a_package_is_not_the_package(tree: Tree) -> None:
    put(tree.root, "alembic/env.py", "")
    assert not planned(tree, ("alembic",)).local


def test_a_file_of_requirements_in_a_folder_is_a_file(tree: Tree) -> None:
    put(tree.root, "requirements/dev.txt", "six\n")
    assert not planned(tree, ("-r", "requirements/dev.txt")).local
    assert not planned(tree, ("--requirement=requirements/dev.txt",)).local


@pytest.mark.parametrize("name", ["pyproject.toml", "setup.py", "setup.cfg"])
def test_a_project_as_a_file_of_requirements_needs_the_tree(tree: Tree, name: str) -> None:
    put(tree.root, name, "")
    assert planned(tree, ("-r", name)).local


# Files


def test_files_that_are_named_and_those_that_they_include_are_known(tree: Tree) -> None:
    put(tree.root, "more/one.txt", "-r two.txt\n--constraint=../limits.txt\n")
    put(tree.root, "more/two.txt", "-r one.txt\n")  # and so on
    put(tree.root, "limits.txt", "six<2\n")
    put(tree.root, "a file.txt", "six\n")
    plan = with_requirements(tree, "-r more/one.txt  # first\n-r 'a file.txt'\n-r https://example.org/x.txt\n")
    assert names(plan) == ["a file.txt", "limits.txt", "more/one.txt", "more/two.txt", "requirements.txt"]


@pytest.mark.parametrize("option", ["-r", "--requirements", "-c", "--constraint", "--overrides", "-b", "--excludes"])
def test_every_option_that_names_a_file_is_known(tree: Tree, option: str) -> None:
    assert names(planned(tree, ("six", option, "requirements.txt"))) == ["requirements.txt"]
    if option.startswith("--"):
        assert names(planned(tree, ("six", f"{option}=requirements.txt"))) == ["requirements.txt"]


def test_a_project_in_a_folder_names_files_from_there(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root, "services/shop/requirements.txt", "-r ../../common.txt\n")
    put(root, "common.txt", "six\n")
    plan = planned(Tree(Commit("patch", "a" * 40), root, root / "services" / "shop"), ("-r", "requirements.txt"))
    assert names(plan) == ["common.txt", "services/shop/requirements.txt"]
    assert plan.laid_out(tmp_path / "work") == tmp_path / "work" / "tree" / "services" / "shop"


def test_a_link_within_the_tree_is_the_file_that_it_leads_to(tree: Tree, tmp_path: Path) -> None:
    put(tree.root, "real/base.txt", "six\n")
    (tree.root / "requirements.txt").unlink()
    (tree.root / "requirements.txt").symlink_to("real/base.txt")
    assert laid_out(planned(tree, ("-r", "requirements.txt")), tmp_path / "work") == {"requirements.txt": "six\n"}


# Ways out


@pytest.mark.parametrize("target", ["/etc/shadow", "../../secret", "/dev/zero", "/proc/self/environ"])
def test_a_file_of_requirements_that_is_a_link_out_of_the_tree_is_refused(tree: Tree, target: str) -> None:
    (tree.root / "requirements.txt").unlink()
    (tree.root / "requirements.txt").symlink_to(target)
    with pytest.raises(EnvironmentFailed, match=r"requirements\.txt leads out of the tree"):
        planned(tree, ("-r", "requirements.txt"))


def test_a_folder_that_is_a_link_out_of_the_tree_is_refused(tree: Tree) -> None:
    (tree.root / "more").symlink_to("/etc")
    with pytest.raises(EnvironmentFailed, match="shadow leads out of the tree"):
        with_requirements(tree, "-r more/shadow\n")


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/shadow", "src/../../secret.txt"])
def test_a_path_out_of_the_tree_is_refused(tree: Tree, name: str) -> None:
    (tree.root.parent / "secret.txt").write_text("hunter2")
    with pytest.raises(EnvironmentFailed, match="leads out of the tree"):
        with_requirements(tree, f"-r {name}\n")
    with pytest.raises(EnvironmentFailed, match="leads out of the tree"):
        planned(tree, ("-r", name))


def test_a_pipe_is_not_waited_for(tree: Tree) -> None:
    os.mkfifo(tree.root / "pipe")
    with pytest.raises(UsageError, match="there is no file pipe in the project's tree"):
        with_requirements(tree, "-r pipe\n")


@pytest.mark.parametrize("name", ["n" * 5000, "a\0b", "circle"])
def test_a_name_that_no_file_can_have_is_refused(tree: Tree, name: str) -> None:
    (tree.root / "circle").symlink_to("circle")
    with pytest.raises(MigciError):
        with_requirements(tree, f"-r {name}\n")


def test_a_file_that_is_no_text_is_read_all_the_same(tree: Tree, tmp_path: Path) -> None:
    plan = with_requirements(tree, b"\xff\xfe\0alembic\n")
    plan.laid_out(tmp_path / "work")
    assert (tmp_path / "work" / "tree" / "requirements.txt").read_bytes() == b"\xff\xfe\0alembic\n"


def test_a_file_of_a_megabyte_and_a_byte_is_refused(tree: Tree) -> None:
    with pytest.raises(EnvironmentFailed, match="larger than 1048576 bytes"):
        with_requirements(tree, b"#" * (1 << 20) + b"\n")


def test_files_without_end_are_refused(tree: Tree) -> None:
    for number in range(1002):
        (tree.root / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    with pytest.raises(EnvironmentFailed, match="more than 1000 files"):
        planned(tree, ("-r", "0.txt"))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("text", ["\n", " ", "@", "-r ", "# ", "@ ", "-", '-r "', "\n\t"])
def test_no_megabyte_takes_more_than_its_time(tree: Tree, text: str) -> None:
    """With an expression that looks at it again and again, it would be hours."""
    with suppress(MigciError):
        with_requirements(tree, (text * (1 << 20))[: (1 << 20) - 1])


# The digest


def digest(plan: Plan) -> str:
    return plan.digest("/usr/bin/python3", "3.11")


def test_a_digest_is_the_same_for_the_same_things_in_whichever_commit(tree: Tree) -> None:
    before = digest(with_requirements(tree, "alembic\n"))
    put(tree.root, "setup.py", "hostile")
    put(tree.root, "sitecustomize.py", "hostile")
    put(tree.root, "other.txt", "hostile")
    elsewhere = replace(tree, commit=Commit("trunk", "b" * 40))
    assert digest(with_requirements(elsewhere, "alembic\n")) == before


def test_every_change_of_what_an_environment_is_made_of_changes_its_digest(tree: Tree, tmp_path: Path) -> None:
    plan = with_requirements(tree, "alembic\n-c limits.txt\n" if put(tree.root, "limits.txt", "six") else "")
    digests = [
        digest(plan),
        plan.digest("/usr/bin/python3", "3.12"),
        plan.digest("/usr/local/bin/python3", "3.11"),
        plan.digest("/usr/bin/python3", "3.11", "UV_INDEX_URL=https://example.org"),
        digest(planned(tree, ("-r", "requirements.txt", "six"))),
        digest(planned(tree, ("-r requirements.txt",))),
        digest(planned(tree, ("-c", "requirements.txt"))),
    ]
    put(tree.root, "limits.txt", "six<2")
    digests.append(digest(planned(tree, ("-r", "requirements.txt"))))
    (tree.root / "requirements.txt").write_text("alembic\n -c limits.txt\n")
    digests.append(digest(planned(tree, ("-r", "requirements.txt"))))
    local = planned(tree, (".",))
    digests += [digest(local), digest(replace(local, tree=replace(tree, commit=Commit("patch", "b" * 40))))]
    inner = replace(tree, project=tree.root / "src")
    digests += [digest(planned(inner, (".",)))]
    assert len(set(digests)) == len(digests)


def test_what_a_file_says_cannot_pass_for_another_file(tree: Tree) -> None:
    """All that is digested has its own place, so no name can be carried on in a content."""
    put(tree.root, "a.txt", "six\n")
    put(tree.root, "b.txt", "toml\n")
    two = digest(planned(tree, ("-r", "a.txt", "-r", "b.txt")))
    (tree.root / "a.txt").write_bytes(b"six\n\0b.txt\0toml\n")
    (tree.root / "b.txt").write_bytes(b"")
    assert digest(planned(tree, ("-r", "a.txt", "-r", "b.txt"))) != two


# What is laid out


def test_without_anything_local_the_files_of_requirements_are_all_that_is_laid_out(tree: Tree, tmp_path: Path) -> None:
    put(tree.root, "setup.py", "hostile")
    plan = with_requirements(tree, "alembic\n")
    assert laid_out(plan, tmp_path / "work") == {"requirements.txt": "alembic\n"}
    assert sorted(path.name for path in (tmp_path / "work" / "tree").iterdir()) == ["requirements.txt"]


def test_a_local_plan_lays_out_the_tree_as_it_is_with_its_links(tree: Tree, tmp_path: Path) -> None:
    (tree.root / "link").symlink_to("/etc/shadow")
    (tree.root / "run.sh").write_text("#!/bin/sh\n")
    (tree.root / "run.sh").chmod(0o755)
    plan = planned(tree, (".",))
    assert laid_out(plan, tmp_path / "work").keys() == {"requirements.txt", "run.sh", "src/shop.py"}
    copy = tmp_path / "work" / "tree"
    assert (copy / "link").readlink() == Path("/etc/shadow")
    assert os.access(copy / "run.sh", os.X_OK)


def test_a_package_finds_a_repository_of_one_commit_with_all_its_files(tree: Tree, tmp_path: Path) -> None:
    put(tree.root, ".gitignore", "*.py\n")
    put(tree.root, ".gitattributes", "* filter=evil diff=evil\n")
    subprocess.run(["git", "init", "--quiet", str(tree.root)], check=True)
    subprocess.run(
        ["git", "-C", str(tree.root), "config", "filter.evil.clean", f"touch {tmp_path}/ran; cat"], check=True
    )
    copy = planned(tree, (".",)).laid_out(tmp_path / "work")

    def git(*words: str) -> list[str]:
        return subprocess.check_output(["git", "-C", str(copy), *words], text=True).splitlines()

    assert git("log", "--format=%s") == ["all of it"]
    assert git("ls-files") == [".gitattributes", ".gitignore", "requirements.txt", "src/shop.py"]
    assert not (tmp_path / "ran").exists()
    assert git("config", "--list", "--local", "--name-only").count("filter.evil.clean") == 0


def test_a_tree_that_is_deeper_than_python_walks_is_laid_out(tree: Tree, tmp_path: Path) -> None:
    deep = tree.root.joinpath(*["d"] * 1200)
    subprocess.run(["mkdir", "--parents", str(deep)], check=True)
    (deep / "file").touch()
    assert planned(tree, (".",)).laid_out(tmp_path / "work").joinpath(*["d"] * 1200, "file").exists()
    subprocess.run(["rm", "-rf", str(tree.root), str(tmp_path / "work")], check=True)  # pytest cannot


def test_a_project_folder_that_is_a_link_leads_nowhere_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "project").symlink_to("/etc")
    tree = Tree(Commit("patch", "a" * 40), root, root / "project")
    with pytest.raises(EnvironmentFailed, match="leads out of the tree"):
        planned(tree, ("-r", "passwd"))
    assert planned(tree, ("six",)).laid_out(tmp_path / "work") == tmp_path / "work" / "tree" / "project"
    assert not (tmp_path / "work" / "tree" / "project").is_symlink()
