"""What a hostile build tries: it lies in the project whose environment is built, and runs while that is done.

It uses the probes of `hostile.py`, which lies beside it, and has some of its own. What each of them got is written into
the environment, which is the one thing of the machine's that a build is there to write to.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import socket
import urllib.request

from tests.acceptance import hostile
from tests.acceptance.hostile import Bait, Probe, bait, read, wrote

ELSEWHERE = {
    "lists_its_own_clone", "reads_the_owners_credentials", "replaces_its_own_socket", "reads_another_clone",
    "writes_outside_of_its_own", "changes_what_it_is_made_of", "has_descriptors_that_are_not_its_own",
    "reads_through_a_link_of_the_checkout", "reads_through_a_folders_link_of_the_checkout",
    "connects_to_a_port_of_the_machine", "reads_the_memory_of_its_parent",
}  # fmt: skip
"""Probes that ask for a migration's surroundings. The last two find what runs beside them: uv, and the way out."""
PROBES: dict[str, Probe] = {name: one for name, one in hostile.PROBES.items() if name not in ELSEWHERE}


def probe(function: Probe) -> Probe:
    PROBES[function.__name__] = function
    return function


def target(bait: Bait) -> str:
    (found,) = glob.glob(os.path.join(bait["store"], "environments", "*", "pyvenv.cfg"))
    return os.path.dirname(found)


def proxy() -> tuple[str, int]:
    host, _, port = os.environ["HTTPS_PROXY"].partition("//")[2].partition(":")
    return host, int(port)


def asked(request: str) -> str | None:
    """The answer of the proxy, if it is another one than no."""
    with socket.create_connection(proxy(), 60) as one:
        one.sendall(request.encode())
        answer = one.recv(100).decode("latin-1")
    return None if answer.split(" ")[1] == "403" else answer


@probe
def tunnels_to_a_host_that_is_no_index(bait: Bait) -> object:
    return asked("CONNECT example.org:443 HTTP/1.1\r\n\r\n")


@probe
def tunnels_to_a_port_of_the_machine(bait: Bait) -> object:
    return [asked(f"CONNECT {name}:{bait['tcp']} HTTP/1.1\r\n\r\n") for name in ("127.0.0.1", "localhost")] != [
        None
    ] * 2


@probe
def tunnels_to_the_metadata_of_a_cloud(bait: Bait) -> object:
    return asked("CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n")


@probe
def asks_a_port_of_the_machine_over_the_proxy(bait: Bait) -> object:
    return asked(f"GET http://127.0.0.1:{bait['tcp']}/ HTTP/1.1\r\nHost: index\r\n\r\n")


@probe
def asks_the_metadata_of_a_cloud_over_the_proxy(bait: Bait) -> object:
    return asked("GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\n\r\n")


@probe
def opens_a_url(bait: Bait) -> object:
    return urllib.request.urlopen("http://example.org/?hunter2", timeout=60).status


@probe
def connects_past_the_proxy(bait: Bait) -> object:
    """Whatever answers on loopback is its own."""
    with socket.create_connection(("127.0.0.1", bait["tcp"]), 5):
        return "connected"


@probe
def reads_the_key_of_the_values(bait: Bait) -> object:
    return read(os.path.join(bait["store"], "values", "key"))


@probe
def lists_the_store(bait: Bait) -> object:
    """There are the folders that lead to its own, and nothing beside those."""
    return sorted(set(os.listdir(bait["store"])) - {"environments", "instances"})


@probe
def sees_another_environment(bait: Bait) -> object:
    here = target(bait)
    return [one for one in glob.glob(os.path.join(bait["store"], "environments", "*")) if one != here]


@probe
def sees_another_instance(bait: Bait) -> object:
    (own,) = os.listdir(os.path.join(bait["store"], "instances"))
    return sorted(set(os.listdir(os.path.join(bait["store"], "instances", own))) - {"environment", "index"})


@probe
def sees_the_checkout(bait: Bait) -> object:
    return os.listdir(bait["tree"])


@probe
def writes_elsewhere(bait: Bait) -> object:
    able = []
    for place in (
        "/", "/usr", "/etc", "/dev", "/run", "/var", "/opt", "/root", "/home", "/var/tmp", bait["tree"], bait["store"],
        os.path.join(bait["store"], "environments"), os.path.join(bait["store"], "environments", "of-trunk", "bin"),
        os.path.join(bait["home"], ".cache", "uv"), bait["home"], os.path.join(bait["store"], "instances"),
        os.path.dirname(os.__file__), os.path.join(bait["tree"], "migrations"),
    ):  # fmt: skip
        with contextlib.suppress(OSError):
            able.append(wrote(os.path.join(place, "planted")))
        with contextlib.suppress(OSError):
            os.makedirs(os.path.join(place, "planted.d"))
            able.append("made a folder in " + place)
    return able


@probe
def says_that_it_is_complete(bait: Bait) -> object:
    return wrote(target(bait) + ".complete")


@probe
def replaces_its_own_folder(bait: Bait) -> object:
    os.rename(target(bait), target(bait) + ".old")
    return "renamed"


@probe
def links_a_file_of_the_machine_into_the_environment(bait: Bait) -> object:
    """A hard link; what it leads to would become its own."""
    os.link("/usr/bin/env", os.path.join(target(bait), "linked"))
    return "linked"


def run() -> None:
    """Try all, once a build."""
    given = bait()
    told = os.path.join(target(given), "told.json")
    if os.path.exists(told):
        return
    found = {}
    for name, function in PROBES.items():
        got: object = None
        refused = None
        try:
            got = function(given)
        except Exception as error:
            broken = isinstance(error, (NameError, TypeError, AttributeError, LookupError, ImportError))
            got = "nothing, for the probe itself is broken" if broken else None
            refused = f"{type(error).__name__}: {error}"
        found[name] = [repr(got) if got else None, refused]
    with open(told, "w") as file:
        json.dump(found, file)
