"""Any command that brings a database to a revision, run once for each numbered file."""

import os
import re
import shutil
import subprocess

from migci_agent.clone import BrokenHistory, Irreversible, filled

_NUMBERED = re.compile(r"^[A-Za-z]{0,2}0*(\d+)")


class CommandFailed(Exception):
    """The command did not exit with status 0."""


class CommandTool:
    """`spec`: migrations (a folder of numbered files), command (arguments), url, paths."""

    def __init__(self, spec):
        self.spec = spec
        folder = os.path.join(spec["project"], spec["migrations"])
        self._files = {}
        for name in sorted(os.listdir(folder)):
            match = _NUMBERED.match(name)
            if match and os.path.isfile(os.path.join(folder, name)):
                path = os.path.relpath(os.path.join(folder, name), spec["project"])
                self._files.setdefault(int(match.group(1)), []).append(path)
        for files in self._files.values():
            files.sort(key=lambda file: (".down." in file, file))  # the first is the one that goes up

    def history(self):
        """The numbered files in the order of their numbers. Raises BrokenHistory for a number that two files have.

        A number may have one file of each kind, as a script and the query that takes it back.
        """
        for files in self._files.values():
            kinds = [os.path.basename(file).partition(".")[2] for file in files]
            if len(set(kinds)) < len(kinds):
                raise BrokenHistory("one number, several files: %s" % ", ".join(files))
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

    def order(self):
        """There is none: numbers stand in the files' names."""
        return []

    def beside(self):
        """Nobody knows what a command reads."""
        return []

    def file(self, revision):
        """Its exceptions come from no file of the project's."""

    def check(self):
        """Raises CommandFailed where there is no such program."""
        program = self.spec["command"][0]
        if shutil.which(program) is None:
            raise CommandFailed("there is no program %s" % program)

    def prepare(self, revision):
        """The command keeps its own account of where a database is."""

    def apply(self, revision):
        """Run the command and wait for it; what it prints goes to the log."""
        names = {"revision": revision, "file": self._files[int(revision)][0]}
        status = run(self.spec, self.spec["command"], names)
        if status:
            raise CommandFailed("%s exited with status %d" % (os.path.basename(self.spec["command"][0]), status))

    def revert(self, revision):
        """Raises Irreversible: nobody knows whether a command goes back."""
        raise Irreversible("the command is only known to go forward")

    def compare(self, models):
        """A command has no models."""


def run(spec, command, names):
    """Run `command` with its placeholders filled, wait for it, and return its status; it prints into the log."""
    names = dict(names, url=spec["url"] or "", files=spec["files_folder"])
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(spec["paths"]))
    return subprocess.call([filled(argument, names) for argument in command], env=environment, stdin=subprocess.DEVNULL)
