"""Lets sqlalchemy-migrate take a folder's numbers from its versions.json; a folder without one is as it always was."""

import importlib.util
import os
import sys

from . import versions_file

_ORIGINALS = "_migci_originals"


def install():
    """Does it in this process. A second call does nothing. Raises ImportError where there is no sqlalchemy-migrate.

    Whatever makes a repository from then on (its api, `manage.py`, oslo.db) sees the numbers of versions.json, and
    adds to it what `script` and `script_sql` create. A versions.json that is broken raises a KnownError, which
    sqlalchemy-migrate's own commands show as a sentence.
    """
    from migrate import exceptions
    from migrate.versioning import pathed, version
    from migrate.versioning import script as scripts

    collection = version.Collection
    if hasattr(collection, _ORIGINALS):
        return

    class Broken(versions_file.BrokenVersions, exceptions.KnownError):
        pass

    Broken.__name__ = Broken.__qualname__ = versions_file.BrokenVersions.__name__

    class Script(scripts.PythonScript):
        """A Python script whose module has a name of its own, `134_add_counters`, as if its file were numbered.

        Loaded by its file's name it would be run in the place of any module that is called the same.
        """

        number = 0

        @property
        def module(self):
            if not hasattr(self, "_module"):
                self._module = _loaded(self.path, self.number)
                if not callable(getattr(self._module, "upgrade", None)):
                    raise exceptions.InvalidScriptError("%s: it has no function 'upgrade'" % self.path)
            return self._module

    def made(folder, number, names):
        found = version.Version(number, folder, [])
        for name in names:
            path = os.path.join(folder, name)
            kind = versions_file.kind(name)
            if kind:
                found.sql.setdefault(kind[0], {})[kind[1]] = scripts.SqlScript(path)
            else:
                found.python = Script(path)
                found.python.number = number
        return found

    def initialized(self, path):
        if not versions_file.there(path):
            originals["__init__"](self, path)
            return
        pathed.Pathed.__init__(self, path)
        try:
            numbers = versions_file.read(path)
        except versions_file.BrokenVersions as error:
            raise Broken(str(error)) from error
        self.versions = {version.VerNum(number): made(path, number, names) for number, names in numbers.items()}

    def created(self, names, create, options):
        """Make new files and list them, all or nothing."""
        number = self._next_ver_num(options.pop("use_timestamp_numbering", False))
        paths = []
        try:
            for name in names:
                create(os.path.join(self.path, name), **options)
                paths.append(os.path.join(self.path, name))
            versions_file.append(self.path, int(number), names)
        except BaseException as error:
            for path in paths:
                os.remove(path)
            if isinstance(error, versions_file.BrokenVersions):
                raise Broken(str(error)) from error
            raise
        self.versions[number] = made(self.path, int(number), names)

    def stem(description):
        """A file's name for a new migration, without its ending."""
        found = version.str_to_filename(description).strip("_")
        if versions_file.kind(found + ".py") is None:
            raise exceptions.KnownError("a migration needs a description: its file is called by it, and has no number")
        return "_" + found if found[:3].isdigit() else found

    def created_python(self, description, **options):
        if not versions_file.there(self.path):
            return originals["create_new_python_version"](self, description, **options)
        return created(self, [stem(description) + ".py"], scripts.PythonScript.create, options)

    def created_sql(self, database, description, **options):
        if not versions_file.there(self.path):
            return originals["create_new_sql_version"](self, database, description, **options)
        names = ["%s_%s_%s.sql" % (stem(description), database, one) for one in ("upgrade", "downgrade")]
        return created(self, names, scripts.SqlScript.create, options)

    changed = {
        "__init__": initialized,
        "create_new_python_version": created_python,
        "create_new_sql_version": created_sql,
    }
    originals = {name: getattr(collection, name) for name in changed}
    setattr(collection, _ORIGINALS, originals)
    for name, function in changed.items():
        setattr(collection, name, function)


def _loaded(path, number):
    """The module in the file `path`, run anew."""
    name = "%03d_%s" % (number, os.path.splitext(os.path.basename(path))[0])
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
