"""The agent's loop: one request a line, one reply a line, until the host says that it is over."""

import json
import os
import socket
import sys
import time
import traceback

from migci_agent import clone, command, models, statements
from migci_agent.alembic import AlembicTool
from migci_agent.own_tests import OwnTests
from migci_agent.sqlalchemy_migrate import MigrateTool

TOOLS = {"alembic": AlembicTool, "sqlalchemy-migrate": MigrateTool, "command": command.CommandTool}


def serve(descriptor):
    """Answer requests on the socket `descriptor` until `finish`, then end as any program does."""
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    lines = connection.makefile("rb")
    tool = tests = None
    for line in lines:
        request = json.loads(line.decode("utf-8"))
        try:
            if request["op"] == "open":
                tool, tests = _open(request), OwnTests(request)
                reply = {"python": sys.version.split()[0], "url": bool(request["url"])}
            elif request["op"] in ("ping", "finish"):
                reply = {}
            else:
                reply = _answer(tool, tests, request)
        except BaseException as error:
            traceback.print_exc()
            reply = {"error": _describe(error, None)}
        _flush()
        reply["id"] = request["id"]
        connection.sendall(json.dumps(reply).encode("utf-8") + b"\n")
        if request["op"] == "finish":
            return


def _open(spec):
    for path in reversed(spec["paths"]):
        sys.path.insert(0, path)
    os.chdir(spec["project"])
    spec["url"] = clone.url(spec["database"], spec["tool"] != "command")
    clone.surround(spec)
    if spec["tool"] != "command":
        statements.listen(spec["database"])
    return TOOLS[spec["tool"]](spec)


def _answer(tool, tests, request):
    op = request["op"]
    if op == "history":
        reply = tool.history()
        reply["packages"] = _packages()
        reply["paths"] = [os.path.abspath(folder) for folder in sys.path if os.path.isdir(folder or ".")]
        reply["beside"] = _files(tool.spec, tool.beside(), tool.order())
        return reply
    if op == "check":
        tool.check()
        return {}
    if op == "pending":
        return {"revisions": tool.pending(request["seen"])}
    if op == "run":
        return {"status": command.run(tool.spec, request["command"], {})}
    if op == "prepare":
        tool.prepare(request["revision"])
        return {}
    if op == "compare":
        return {"differences": tool.compare(request["models"])}
    if op == "models":
        return {"models": models.told(request["program"], request["models"])}
    if op == "test":
        return _measured(lambda: tests.run(request), tests.file(request))
    run = {"apply": tool.apply, "revert": tool.revert}[op]
    return _measured(lambda: run(request["revision"]), tool.file(request["revision"]))


def _measured(run, file):
    """What the project's own code did, of which `file` is what a person looks into."""
    statements.start()
    began = time.perf_counter()
    reply = {}
    try:
        skipped = run()
        if skipped:
            reply["skipped"] = skipped
    except BaseException as error:
        traceback.print_exc()
        reply["error"] = _describe(error, file)
        reply["irreversible"] = isinstance(error, clone.Irreversible)
    reply["seconds"] = time.perf_counter() - began
    reply["statements"] = statements.stop()
    return reply


def _packages():
    """This Python, and the names of what is installed for it, versions included."""
    found = {"python " + sys.version}
    for folder in sys.path:
        if os.path.isdir(folder):
            found.update(name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info", ".egg-link")))
    return sorted(found)


def _files(spec, places, less):
    """All files in `places`, files or folders, but for those in `less`; relative to the project."""
    found = set()
    for place in places:
        if os.path.isfile(place):
            found.add(os.path.relpath(place, spec["project"]))
        for folder, _, names in os.walk(place):
            if os.path.basename(folder) != "__pycache__":
                found.update(os.path.relpath(os.path.join(folder, name), spec["project"]) for name in names)
    return sorted(found.difference(os.path.relpath(path, spec["project"]) for path in less))


def _describe(error, file):
    """What a person needs of an exception, without the values that SQLAlchemy puts into its message."""
    cause = getattr(error, "orig", None) or error
    kind = type(cause).__name__
    text = str(cause)
    line = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if file and os.path.realpath(name) == os.path.realpath(file):
            line = number
    if isinstance(error, SyntaxError) and error.filename:
        text = "%s, in %s, line %s" % (error.msg, os.path.relpath(error.filename), error.lineno)
    return {"type": kind, "message": "%s: %s" % (kind, text) if text else kind, "line": line}


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # a migration may have closed it
