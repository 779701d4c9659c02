"""Where packages come from: the index that uv is told of, and the hosts of the files that it lists."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import uv

from migci.adapters.sandboxes.doorway import Host, host_of

SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
"""The variables that tell uv of indexes."""

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""The variables that tell programs whom to trust."""

_OPTIONS = ("--default-index", "--index-url", "-i", "--index", "--extra-index-url", "--find-links", "-f")
_DEFAULT = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "--default-index", "--index-url", "-i")
_LINKS = ("UV_FIND_LINKS", "--find-links", "-f")
# Every index has this one, if only to hand it on; where its files lie, the others' lie too.
_SAMPLE = "pip"
_SECONDS = 20.0
_LONGEST_PAGE = 50_000_000


def hosts(arguments: Sequence[str], environ: Mapping[str, str]) -> frozenset[Host]:
    """The hosts that uv needs for these of its arguments in this environment."""
    named = list(_named(arguments, environ))
    if not any(name in _DEFAULT for name, _ in named) and "--no-index" not in arguments:
        named.extend(("", url) for url in _default())
    # An index has a page for each package, a page of links is one.
    pages = {url: url if name in _LINKS else f"{url.rstrip('/')}/{_SAMPLE}/" for name, url in named}
    found = {host_of(file) for url, page in pages.items() for file in (url, *_files(page))}
    return frozenset(host for host in found if host is not None)


def _named(arguments: Sequence[str], environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The indexes that are named, each after what names it."""
    for name in SETTINGS:
        for word in environ.get(name, "").replace(",", " " if name in _LINKS else ",").split():
            yield name, re.sub(r"^[\w.-]+=(?=https?:)", "", word)
    waiting = ""
    for argument in arguments:
        name, _, value = argument.partition("=")
        if waiting:
            yield waiting, argument
            waiting = ""
        elif name in _OPTIONS:
            if value:
                yield name, value
            else:
                waiting = name


def _default() -> set[str]:
    """The index that uv takes when it is told of none. It says so in its help, and nowhere else."""
    told = subprocess.run([uv.find_uv_bin(), "help", "pip", "install"], capture_output=True, text=True).stdout
    return set(re.findall(r"https://[^\s<>)]+/simple\b", told))


class _Links(HTMLParser):
    """The simple repository API (PEP 503): a page of links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.update(value for name, value in attrs if tag == "a" and name == "href" and value)


def _files(page: str) -> Iterator[str]:
    """The URLs that a page of an index links to; none if it cannot be asked, which uv will tell better."""
    if host_of(page) is None:
        return
    request = urllib.request.Request(page, headers={"Accept": "text/html"})  # noqa: S310  # it is HTTP
    links, base = _Links(), page
    with suppress(OSError, ValueError), urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        base = answer.url
        links.feed(answer.read(_LONGEST_PAGE).decode(errors="replace"))
    for link in links.found:
        with suppress(ValueError):  # it is no URL
            yield urllib.parse.urljoin(base, link)


def named(environ: Mapping[str, str]) -> list[str]:
    """The indexes that an environment names, without the secrets that give access to them."""
    return [f"{name}={re.sub('(?<=//)[^/@ ]*@', '', environ[name])}" for name in SETTINGS if environ.get(name)]


def folders(environ: Mapping[str, str]) -> list[Path]:
    """The folders of packages that an environment names."""
    places = [Path(url.removeprefix("file://")) for name, url in _named((), environ) if name in _LINKS]
    return [place.absolute() for place in places if place.is_dir()]


def trusted(environ: Mapping[str, str]) -> dict[str, str]:
    """What of an environment uv needs to reach its indexes."""
    return {name: environ[name] for name in (*SETTINGS, *CERTIFICATES) if name in environ}


def certificates(environ: Mapping[str, str]) -> list[str]:
    """The files and folders that `trusted` names."""
    return [environ[name] for name in CERTIFICATES if name in environ and os.path.exists(environ[name])]  # noqa: PTH110
