"""Any command that brings a database to a revision, run once for each numbered file."""

import os
import re
import subprocess

from migci_agent.clone import filled

_NUMBERED = re.compile(r"^[A-Za-z]{0,2}0*(\d+)")


class CommandFailed(Exception):
    """The command did not exit with status 0."""


class CommandTool:
    """`spec`: migrations (a folder of numbered files), command (arguments), url, paths."""

    def __init__(self, spec):
        self._spec = spec
        folder = os.path.join(spec["project"], spec["migrations"])
        self._files = {}
        for name in sorted(os.listdir(folder)):
            match = _NUMBERED.match(name)
            if match and os.path.isfile(os.path.join(folder, name)):
                path = os.path.relpath(os.path.join(folder, name), spec["project"])
                self._files.setdefault(int(match.group(1)), []).append(path)

    def history(self):
        """The numbered files in the order of their numbers."""
        revisions = []
        parents = []
        for number in sorted(self._files):
            files = self._files[number]
            revisions.append({"id": str(number), "parents": parents, "files": files, "summary": ""})
            parents = [str(number)]
        return {"base": "0", "revisions": revisions}

    def pending(self, seen):
        newest = max([int(revision) for revision in seen] or [0])
        return [str(number) for number in sorted(self._files) if number > newest]

    def check(self):
        pass

    def prepare(self, revision):
        """The command keeps its own account of where a database is."""

    def apply(self, revision):
        """Run the command and wait for it; what it prints goes to the log."""
        names = {
            "revision": revision,
            "file": self._files[int(revision)][0],
            "url": self._spec["url"],
            "files": self._spec["files_folder"],
        }
        arguments = [filled(argument, names) for argument in self._spec["command"]]
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(self._spec["paths"])
        status = subprocess.call(arguments, env=environment, stdin=subprocess.DEVNULL)
        if status:
            raise CommandFailed("%s exited with status %d" % (os.path.basename(arguments[0]), status))
