"""Where packages come from: the indexes that are named, the default one, and the hosts of the files that they list."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from migci.adapters import package_index
from migci.adapters.package_index import certificates, folders, hosts, named, trusted
from migci.adapters.sandboxes.doorway import Host

PAGES: dict[str, str] = {
    "/simple/pip/": """<!DOCTYPE html><html><body>
        <a href="../../files/pip-1.0.tar.gz#sha256=0">pip-1.0.tar.gz</a>
        <a href="https://files.example.org/pip-1.1.whl" data-requires-python="&gt;=3">pip-1.1.whl</a>
        <A HREF='http://other.example.org:8080/pip-1.2.whl'>pip-1.2.whl</A>
        <a name="no-link">and</a> <a href="mailto:root@localhost">write</a> <a href="https://[broken/">broken</a>
        <link href="https://style.example.org/style.css">
        </body></html>""",
    "/links/": '<a href="https://wheels.example.org/pip-1.0.whl">pip</a>',
    "/moved/pip/": '<a href="pip-1.0.whl">pip</a>',
}


class Pages(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        if self.path == "/old/pip/":
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.connection.getsockname()[1]}/moved/pip/")
            self.end_headers()
            return
        page = PAGES.get(self.path)
        self.send_response(200 if page else 404)
        self.end_headers()
        self.wfile.write((page or "").encode())

    def log_message(self, *ignored: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[str]:
    """Where the pages are."""
    handler = type("OwnPages", (Pages,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(autouse=True)
def no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_index, "_default", lambda: {"https://default.invalid/simple"})


DEFAULT: Host = ("default.invalid", 443)
EXAMPLES: set[Host] = {("files.example.org", 443), ("other.example.org", 8080)}


def of(index: str) -> Host:
    return "127.0.0.1", int(index.rpartition(":")[2])


# Which indexes


@pytest.mark.parametrize("option", ["--default-index", "--index-url", "-i"])
def test_an_index_that_is_given_takes_the_default_one_s_place(index: str, option: str) -> None:
    assert hosts((option, f"{index}/simple", "pip"), {}) == {of(index), *EXAMPLES}
    if option != "-i":
        assert hosts((f"{option}={index}/simple",), {}) == {of(index), *EXAMPLES}


@pytest.mark.parametrize("option", ["--extra-index-url", "--index"])
def test_an_index_beside_the_default_one_leaves_it(index: str, option: str) -> None:
    assert hosts((option, f"{index}/simple/"), {}) == {of(index), DEFAULT, *EXAMPLES}


@pytest.mark.parametrize(
    ("name", "instead"),
    [("UV_DEFAULT_INDEX", True), ("UV_INDEX_URL", True), ("UV_INDEX", False), ("UV_EXTRA_INDEX_URL", False)],
)
def test_a_variable_of_uvs_names_an_index(index: str, name: str, instead: bool) -> None:
    assert hosts(("pip",), {name: f"{index}/simple"}) == {of(index), *EXAMPLES} | (set() if instead else {DEFAULT})


def test_several_indexes_and_their_names_are_told_apart(index: str) -> None:
    environ = {"UV_INDEX": f"own={index}/simple https://second.invalid/simple"}
    assert hosts((), environ) == {of(index), ("second.invalid", 443), DEFAULT, *EXAMPLES}


@pytest.mark.parametrize("named_by", ["argument", "variable"])
def test_a_page_of_links_is_read_itself(index: str, named_by: str) -> None:
    arguments = ("--no-index", "-f", f"{index}/links/") if named_by == "argument" else ("--no-index",)
    environ = {} if named_by == "argument" else {"UV_FIND_LINKS": f"/nowhere,{index}/links/"}
    assert hosts(arguments, environ) == {of(index), ("wheels.example.org", 443)}


def test_without_any_index_there_is_nowhere_to_go() -> None:
    assert hosts(("--no-index", "pip"), {}) == frozenset()


def test_a_word_that_looks_like_an_option_s_value_is_none(index: str) -> None:
    assert hosts(("pip", f"{index}/simple"), {}) == {DEFAULT}


def test_the_variables_of_another_program_name_nothing(index: str) -> None:
    assert hosts((), {"PIP_INDEX_URL": f"{index}/simple", "UV_INDEX_STRATEGY": index}) == {DEFAULT}


def test_an_index_that_was_moved_is_asked_where_it_is(index: str) -> None:
    found = hosts(("-i", f"{index}/old"), {})
    assert found == {of(index), ("localhost", of(index)[1])}


def test_an_index_that_cannot_be_asked_is_allowed_all_the_same() -> None:
    """uv tells better than migci why it cannot be."""
    assert hosts(("-i", "http://127.0.0.1:9/simple"), {}) == {("127.0.0.1", 9)}


# The default


def test_the_default_index_is_found_in_uvs_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (found,) = package_index._default()
    assert re.fullmatch(r"https://[a-z.]+/simple", found)


# What is handed on


def test_what_uv_needs_of_an_environment_is_its_indexes_and_whom_to_trust() -> None:
    environ = {
        "UV_INDEX_URL": "https://example.org/simple",
        "SSL_CERT_FILE": "/etc/ssl/own.pem",
        "UV_CACHE_DIR": "/home/somebody/.cache",
        "UV_PYTHON": "/opt/python",
        "GERRIT_PASSWORD": "hunter2",
        "HTTPS_PROXY": "http://proxy.example.org",
        "HOME": "/home/somebody",
    }
    assert trusted(environ) == {
        "UV_INDEX_URL": "https://example.org/simple",
        "SSL_CERT_FILE": "/etc/ssl/own.pem",
    }


def test_only_certificates_that_are_there_are_shown(tmp_path: Path) -> None:
    there = tmp_path / "own.pem"
    there.touch()
    assert certificates({"SSL_CERT_FILE": str(there), "SSL_CERT_DIR": str(tmp_path / "none")}) == [str(there)]


def test_a_folder_of_packages_is_shown(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    environ = {"UV_FIND_LINKS": f"{tmp_path}/wheels,file://{tmp_path}/wheels,{tmp_path}/none,https://example.org/"}
    assert folders(environ) == [tmp_path / "wheels", tmp_path / "wheels"]


def test_the_indexes_are_told_without_what_gives_access_to_them() -> None:
    environ = {
        "UV_INDEX_URL": "https://user:hunter2@example.org/simple",
        "UV_INDEX": "a=https://token@b.org/ https://c",
    }
    assert named(environ) == ["UV_INDEX_URL=https://example.org/simple", "UV_INDEX=a=https://b.org/ https://c"]
