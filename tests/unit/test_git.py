"""The git adapter, on real repositories: what would land, and a user's repository that is only read."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from migci.adapters.git import GitRepository, opened
from migci.core.run import Commit
from migci.errors import UsageError
from migci.ports import Conflict

EXACTLY = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


class User:
    """A user and a repository on the branch main, with one commit of one file."""

    def __init__(self, top: Path) -> None:
        self.top = top
        top.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit({"models.py": "one\n"})

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.top, env=EXACTLY, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, files: dict[str, str]) -> str:
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path / "shop")


@pytest.fixture
def repository(user: User, tmp_path: Path) -> Iterator[GitRepository]:
    with opened(user.top, tmp_path / "ours") as repository:
        yield repository


def files(folder: Path) -> dict[str, str]:
    """The texts of all files under `folder`, but git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(".git")
    }


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Each path under `folder`, git's own included: its mode and its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        found[path.relative_to(folder).as_posix()] = (mode, path.read_bytes() if stat.S_ISREG(mode) else b"")
    return found


def as_it_stands(repository: GitRepository) -> dict[str, str]:
    return files(repository.tree(repository.working_tree()).root)


# Commits


def test_a_ref_is_a_commit(user: User, repository: GitRepository) -> None:
    assert repository.commit("main") == Commit("main", user.git("rev-parse", "main"))


def test_a_tag_with_a_message_is_the_commit_that_it_is_of(user: User, repository: GitRepository) -> None:
    user.git("tag", "--annotate", "--message", "v1", "v1")
    assert repository.commit("v1").id == user.git("rev-parse", "main")


@pytest.mark.parametrize("ref", ["nowhere", "", "--help", "-x", "main:models.py", "main main"])
def test_what_is_no_commit_is_a_mistake(user: User, repository: GitRepository, ref: str) -> None:
    with pytest.raises(UsageError) as mistake:
        repository.commit(ref)
    assert mistake.value.message == f"there is no commit {ref!r} in {user.top}"
    assert mistake.value.hint == "see [project] trunk in migci.toml, --trunk and --proposed; or fetch it first"


def test_a_folder_without_a_repository_is_a_mistake_with_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repo") as mistake, opened(tmp_path, tmp_path / "ours"):
        pass
    assert mistake.value.hint == "migci compares a trunk with a patch: git init && git add --all && git commit"


def test_a_repository_without_a_commit_is_a_mistake(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "new")], check=True, env=EXACTLY)
    with opened(tmp_path / "new", tmp_path / "ours") as repository, pytest.raises(UsageError):
        repository.working_tree()


# The working tree


def test_a_clean_working_tree_is_head(user: User, repository: GitRepository) -> None:
    assert repository.working_tree() == Commit("working tree", user.git("rev-parse", "HEAD"))


def test_what_was_edited_in_the_moment_in_which_it_was_added_is_in_the_working_tree(
    user: User, repository: GitRepository
) -> None:
    """Only its index, which is no younger than the file, makes git look into it: size and time are as they were."""
    user.git("config", "core.trustctime", "false")
    moment = (1_700_000_000, 1_700_000_000)
    os.utime(user.top / "models.py", moment)
    user.git("add", "models.py")
    (user.top / "models.py").write_text("two\n")
    for file in ("models.py", ".git/index"):
        os.utime(user.top / file, moment)
    assert as_it_stands(repository)["models.py"] == "two\n"


def test_what_is_not_committed_is_in_the_working_tree(user: User, repository: GitRepository) -> None:
    user.write({"models.py": "changed\n"})
    assert as_it_stands(repository) == {"models.py": "changed\n"}


def test_what_is_staged_is_in_the_working_tree_as_it_is_on_disk(user: User, repository: GitRepository) -> None:
    user.write({"models.py": "staged\n", "added.py": "staged\n"})
    user.git("add", "--all")
    user.write({"added.py": "on disk\n"})
    assert as_it_stands(repository) == {"models.py": "staged\n", "added.py": "on disk\n"}


def test_an_untracked_file_is_in_the_working_tree_also_in_a_new_folder(user: User, repository: GitRepository) -> None:
    user.write({"versions/2.py": "new\n", "3.py": "new\n"})
    assert as_it_stands(repository) == {"models.py": "one\n", "versions/2.py": "new\n", "3.py": "new\n"}


def test_an_ignored_file_is_not_in_the_working_tree(user: User, repository: GitRepository) -> None:
    user.write({".gitignore": "*.sqlite\n", "data.sqlite": "confidential", "2.py": "new\n"})
    assert as_it_stands(repository) == {"models.py": "one\n", "2.py": "new\n"}


def test_a_deleted_file_is_not_in_the_working_tree(user: User, repository: GitRepository) -> None:
    user.commit({"2.py": "two\n", "3.py": "three\n"})
    user.git("rm", "--quiet", "2.py")
    (user.top / "3.py").unlink()
    assert as_it_stands(repository) == {"models.py": "one\n"}


def test_a_file_whose_deletion_is_staged_and_that_is_still_there_is_in_the_working_tree(
    user: User, repository: GitRepository
) -> None:
    user.commit({"2.py": "two\n"})
    user.git("rm", "--quiet", "--cached", "2.py")
    assert as_it_stands(repository) == {"models.py": "one\n", "2.py": "two\n"}


def test_names_with_spaces_and_letters_of_the_world_are_kept(user: User, repository: GitRepository) -> None:
    user.write({"a b/é 🦊.py": "new\n"})
    assert as_it_stands(repository) == {"models.py": "one\n", "a b/é 🦊.py": "new\n"}


def test_executables_and_links_stay_what_they_are(user: User, repository: GitRepository) -> None:
    user.write({"run.sh": "#!/bin/sh\n"})
    (user.top / "run.sh").chmod(0o755)
    (user.top / "link").symlink_to("models.py")
    root = repository.tree(repository.working_tree()).root
    assert os.access(root / "run.sh", os.X_OK)
    assert (root / "link").readlink() == Path("models.py")


def test_a_detached_head_is_a_working_tree_too(user: User, repository: GitRepository) -> None:
    user.git("checkout", "--quiet", "--detach")
    user.write({"2.py": "new\n"})
    assert as_it_stands(repository) == {"models.py": "one\n", "2.py": "new\n"}


def test_a_linked_worktree_has_a_working_tree_of_its_own(user: User, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    user.git("worktree", "add", "--quiet", "-b", "feature", str(linked))
    (linked / "2.py").write_text("new\n")
    with opened(linked, tmp_path / "ours") as repository:
        assert as_it_stands(repository) == {"models.py": "one\n", "2.py": "new\n"}
        assert repository.commit("main").id == user.git("rev-parse", "main")


def test_a_clone_that_borrows_its_objects_is_read(user: User, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    user.git("clone", "--quiet", "--shared", str(user.top), str(clone))
    (clone / "2.py").write_text("new\n")
    with opened(clone, tmp_path / "ours") as repository:
        assert as_it_stands(repository) == {"models.py": "one\n", "2.py": "new\n"}


def test_a_project_in_a_subfolder_has_its_own_folder_in_the_tree(user: User, tmp_path: Path) -> None:
    user.commit({"services/shop/2.py": "two\n"})
    user.write({"services/shop/3.py": "new\n"})
    with opened(user.top / "services" / "shop", tmp_path / "ours") as repository:
        tree = repository.tree(repository.working_tree())
        assert tree.project == tree.root / "services" / "shop"
        assert files(tree.project) == {"2.py": "two\n", "3.py": "new\n"}
        assert repository.added_in(repository.commit("main"), "2.py").id == user.git("rev-parse", "main")


def test_a_change_outside_of_a_projects_subfolder_is_in_the_working_tree_too(user: User, tmp_path: Path) -> None:
    user.commit({"services/shop/2.py": "two\n"})
    user.write({"models.py": "changed\n", "common.py": "new\n"})
    with opened(user.top / "services" / "shop", tmp_path / "ours") as repository:
        assert as_it_stands(repository)["common.py"] == "new\n"
        assert as_it_stands(repository)["models.py"] == "changed\n"


def test_a_project_that_a_commit_does_not_have_is_a_mistake(user: User, tmp_path: Path) -> None:
    first = user.git("rev-parse", "HEAD")
    user.commit({"services/shop/2.py": "two\n"})
    with (
        opened(user.top / "services" / "shop", tmp_path / "ours") as repository,
        pytest.raises(UsageError, match="has no folder services/shop"),
    ):
        repository.tree(Commit("trunk", first))


# What would land


def branches(user: User, trunk: dict[str, str], patch: dict[str, str]) -> None:
    """Two branches from main: trunk and patch, each one commit ahead."""
    for name, change in (("trunk", trunk), ("patch", patch)):
        user.git("checkout", "--quiet", "-b", name, "main")
        user.commit(change)


def merged(repository: GitRepository) -> Commit | Conflict:
    return repository.merge(repository.commit("trunk"), repository.commit("patch"))


def test_a_patch_on_trunks_tip_lands_as_it_is(user: User, repository: GitRepository) -> None:
    user.git("branch", "trunk")
    user.git("checkout", "--quiet", "-b", "patch")
    patch = user.commit({"2.py": "two\n"})
    assert merged(repository) == Commit("patch", patch)


def test_a_patch_that_trunk_has_left_behind_lands_as_trunk(user: User, repository: GitRepository) -> None:
    user.git("branch", "patch")
    user.git("checkout", "--quiet", "-b", "trunk")
    trunk = user.commit({"2.py": "two\n"})
    assert merged(repository) == Commit("patch", trunk)


def test_a_patch_beside_trunk_lands_with_all_that_trunk_has(user: User, repository: GitRepository) -> None:
    branches(user, {"2.py": "trunk\n"}, {"3.py": "patch\n"})
    landed = merged(repository)
    assert isinstance(landed, Commit)
    assert landed.ref == "patch"
    assert files(repository.tree(landed).root) == {"models.py": "one\n", "2.py": "trunk\n", "3.py": "patch\n"}


def test_a_working_tree_lands_on_a_trunk_that_is_ahead(user: User, repository: GitRepository) -> None:
    user.git("checkout", "--quiet", "-b", "trunk")
    user.commit({"2.py": "trunk\n"})
    user.git("checkout", "--quiet", "main")
    user.write({"3.py": "new\n"})
    landed = repository.merge(repository.commit("trunk"), repository.working_tree())
    assert isinstance(landed, Commit)
    assert files(repository.tree(landed).root) == {"models.py": "one\n", "2.py": "trunk\n", "3.py": "new\n"}


def test_a_conflict_names_its_files(user: User, repository: GitRepository) -> None:
    branches(user, {"models.py": "trunk\n", "b.py": "trunk\n"}, {"models.py": "patch\n", "b.py": "patch\n"})
    assert merged(repository) == Conflict(("b.py", "models.py"))


def test_a_conflict_names_a_file_with_letters_of_the_world_as_it_is_called(
    user: User, repository: GitRepository
) -> None:
    branches(user, {"é 🦊.py": "trunk\n"}, {"é 🦊.py": "patch\n"})
    assert merged(repository) == Conflict(("é 🦊.py",))


def test_a_file_that_one_edits_and_the_other_deletes_is_a_conflict(user: User, repository: GitRepository) -> None:
    user.git("checkout", "--quiet", "-b", "trunk")
    user.git("rm", "--quiet", "models.py")
    user.commit({"2.py": "two\n"})
    user.git("checkout", "--quiet", "-b", "patch", "main")
    user.commit({"models.py": "patch\n"})
    assert merged(repository) == Conflict(("models.py",))


def test_histories_without_a_common_commit_are_merged(user: User, repository: GitRepository) -> None:
    user.git("branch", "trunk")
    user.git("checkout", "--quiet", "--orphan", "patch")
    user.git("rm", "--quiet", "--cached", "models.py")
    (user.top / "models.py").unlink()
    user.commit({"2.py": "two\n"})
    landed = merged(repository)
    assert isinstance(landed, Commit)
    assert files(repository.tree(landed).root) == {"models.py": "one\n", "2.py": "two\n"}


# Which commit added a file


def test_the_commit_that_added_a_file_is_found_behind_later_changes(user: User, repository: GitRepository) -> None:
    added = user.commit({"2.py": "two\n" * 20})
    user.commit({"2.py": "two\n" * 20 + "more\n"})
    assert repository.added_in(repository.commit("main"), "2.py").id == added


def test_the_commit_that_added_a_file_is_found_behind_its_rename(user: User, repository: GitRepository) -> None:
    added = user.commit({"2.py": "two\n" * 20})
    user.git("mv", "2.py", "3.py")
    user.commit({})
    assert repository.added_in(repository.commit("main"), "3.py").id == added


# Nothing of the patch's runs, and nothing of the user's is written


EVIL = "*.py filter=evil merge=evil diff=evil\n"
"""Attributes, which a patch may bring, that ask for programs, which only settings can name."""


def test_no_filter_or_driver_of_the_repositorys_settings_runs_on_what_a_patch_brings(
    user: User, tmp_path: Path
) -> None:
    owned = tmp_path / "owned"
    branches(user, {"models.py": "one\ntrunk\n"}, {"models.py": "patch\none\n", ".gitattributes": EVIL})
    for key in ("filter.evil.smudge", "filter.evil.clean", "merge.evil.driver", "diff.evil.textconv"):
        user.git("config", key, f"touch {owned}; cat")
    with opened(user.top, tmp_path / "ours") as repository:
        merged(repository)
        repository.tree(repository.commit("patch"))
    assert not owned.exists()


def test_no_filter_or_driver_of_the_users_own_settings_runs_on_what_a_patch_brings(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned = tmp_path / "owned"
    branches(user, {"models.py": "one\ntrunk\n"}, {"models.py": "patch\none\n", ".gitattributes": EVIL})
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f'[filter "evil"]\n\tsmudge = touch {owned}; cat\n[merge "evil"]\n\tdriver = touch {owned}; exit 0\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with opened(user.top, tmp_path / "ours") as repository:
        merged(repository)
        repository.tree(repository.commit("patch"))
    assert not owned.exists()


def test_no_hook_runs(user: User, repository: GitRepository, tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    hooks = user.top / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "pre-commit", "post-commit", "post-index-change", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {owned}\n")
        (hooks / name).chmod(0o755)
    user.write({"2.py": "new\n"})
    as_it_stands(repository)
    assert not owned.exists()


def test_the_users_repository_is_not_touched_to_the_byte(user: User, tmp_path: Path) -> None:
    branches(user, {"2.py": "trunk\n"}, {"3.py": "patch\n"})
    user.git("status")
    user.write({"models.py": "changed\n", "4.py": "staged\n", "5.py": "new\n"})
    user.git("add", "4.py")
    before = everything(user.top)
    with opened(user.top, tmp_path / "ours") as repository:
        for proposed in (repository.working_tree(), repository.commit("patch")):
            landed = repository.merge(repository.commit("trunk"), proposed)
            assert isinstance(landed, Commit)
            repository.tree(landed)
        repository.tree(repository.commit("trunk"))
        repository.added_in(repository.commit("patch"), "3.py")
    assert everything(user.top) == before


def test_the_users_repository_is_not_touched_when_its_index_is_stale(user: User, tmp_path: Path) -> None:
    """git refreshes an index whose times are not those of the files, if nobody forbids it."""
    os.utime(user.top / "models.py", (1, 1))
    before = everything(user.top)
    with opened(user.top, tmp_path / "ours") as repository:
        repository.working_tree()
    assert everything(user.top) == before


def test_nothing_of_ours_is_left(user: User, tmp_path: Path) -> None:
    with opened(user.top, tmp_path / "ours") as repository:
        repository.tree(repository.commit("main"))
    assert not (tmp_path / "ours").exists()


def test_one_commit_is_one_tree(repository: GitRepository) -> None:
    main = repository.commit("main")
    assert repository.tree(main).root == repository.tree(main).root


def test_what_a_run_leaves_in_one_tree_is_not_in_another(user: User, repository: GitRepository) -> None:
    one = repository.tree(repository.commit("main"))
    (one.root / "left.py").write_text("left\n")
    user.commit({"2.py": "two\n"})
    assert "left.py" not in files(repository.tree(repository.commit("main")).root)


def test_the_users_environment_does_not_lead_git_elsewhere(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a git hook, where git has set these."""
    monkeypatch.setenv("GIT_DIR", str(user.top / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(user.top / ".git" / "index"))
    user.write({"2.py": "new\n"})
    with opened(user.top, tmp_path / "ours") as repository:
        assert as_it_stands(repository) == {"models.py": "one\n", "2.py": "new\n"}


@pytest.mark.parametrize("ignored", [False, True])
def test_data_that_lie_beside_the_project_are_not_taken_along(tmp_path: Path, ignored: bool) -> None:
    project = tmp_path / "project"
    project.mkdir()

    def run(*words: str) -> None:
        subprocess.run(["git", *words], cwd=project, check=True, capture_output=True)

    run("init", "--quiet", "--initial-branch", "main")
    (project / "models.py").write_text("x")
    if ignored:
        (project / ".gitignore").write_text("production.sql\n")
    run("add", "--all")
    run("-c", "user.name=T", "-c", "user.email=t@migci.invalid", "commit", "--quiet", "-m", "one")
    (project / "production.sql").write_text("INSERT …")
    (project / "models.py").write_text("y")
    with opened(project, tmp_path / "ours", (project / "production.sql",)) as repository:
        tree = repository.tree(repository.working_tree())
        assert (tree.project / "models.py").read_text() == "y"
        assert not (tree.project / "production.sql").exists()
