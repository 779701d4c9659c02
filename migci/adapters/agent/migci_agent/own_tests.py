"""A migration's own test: what it does before the step, and what it checks after it."""

import contextlib
import importlib
import importlib.util
import os
import sys
import unittest


class NotATest(Exception):
    """A file or a class that was to hold a migration's test has none."""


class OwnTests:
    """`spec`: project, url. Their engine is on the clone, and has no connection between two of them."""

    def __init__(self, spec):
        self._spec = spec
        self._engine = None
        self._open = []
        self._parts = {}
        self._data = {}

    def file(self, request):
        """Where the test is that `request` names."""
        return os.path.join(self._spec["project"], request["file"])

    def run(self, request):
        """Run one part of a test; returns why it was skipped, if it was. Raises what it raises."""
        key = (request["revision"], request["file"], request["owner"])
        try:
            if key not in self._parts:
                self._parts[key] = self._load(request)
            before, after = self._parts[key]
            if request["part"] == "import":
                pass
            elif request["part"] == "pre_upgrade":
                self._data[key] = before and before(self._made())
            elif after:
                after(self._made(), self._data.pop(key, None))
        except unittest.SkipTest as skip:
            return str(skip) or "it did not say why"
        finally:
            self._close()
        return None

    def _made(self):
        if self._engine is None:
            from sqlalchemy import create_engine, event

            self._engine = create_engine(self._spec["url"])
            event.listen(self._engine, "connect", lambda connection, record: self._open.append(connection))
        return self._engine

    def _close(self):
        """Close its connections, also those that a test forgot: a step would wait for the locks that they hold."""
        if self._engine is not None:
            self._engine.dispose()
        while self._open:
            with contextlib.suppress(Exception):  # closed already; what it says of that differs by driver
                self._open.pop().close()

    def _load(self, request):
        module = _module(self.file(request))
        if request["owner"]:
            found = [self._method(getattr(module, request["owner"]), names) for names in request["names"]]
        else:
            found = [getattr(module, names[0], None) for names in request["names"]]
        if not any(found):
            raise NotATest("there is neither %s" % " nor ".join(name for names in request["names"] for name in names))
        return found

    def _method(self, owner, names):
        """The method of one of these names, of an instance that was not set up: that makes a database of its own."""
        name = next((name for name in names if hasattr(owner, name)), None)
        if name is None:
            return None
        instance = owner(name) if issubclass(owner, unittest.TestCase) else owner()
        try:
            instance.engine = self._made()
        except AttributeError:
            pass  # the class has its own way to it
        return getattr(instance, name)


def _module(path):
    """The module in the file `path`, imported as what it is called in the package that it is in, if it is in one."""
    folder, name = os.path.split(path[: -len(".py")])
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, parent = os.path.split(folder)
        name = "%s.%s" % (parent, name)
    if "." in name:
        if folder not in sys.path:
            sys.path.append(folder)
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location("migci_test_of_" + name, path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
