"""The project's models, and how a database differs from them, in words."""

import importlib
import importlib.util


class NoModels(Exception):
    """What the settings name as the project's models is none."""


def loaded(name):
    """The MetaData of `package.module:Base`, or `package.module:metadata`."""
    module, _, attribute = name.partition(":")
    found = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    found = getattr(found, "metadata", found)
    if not hasattr(found, "sorted_tables"):
        raise NoModels("%s has no models: it is neither a declarative base nor a MetaData" % name)
    return found


def told(program, name):
    """What the models say of their columns: what `tell` of the file `program` makes of them."""
    spec = importlib.util.spec_from_file_location("migci_told", program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.tell(name)


def described(differences):
    """A sentence for each of what alembic's compare_metadata returns: what would make a database as the models are."""
    found = []
    for one in differences:
        if isinstance(one, list):  # all that alters one column
            found.extend(described(one))
        elif one[0].startswith("modify_"):
            what, schema, table, column, _, old, new = one
            found.append(
                "%s %s: %s in the database, %s in the models" % (what, _dotted(schema, table, column), old, new)
            )
        elif one[0].endswith("_column"):
            what, schema, table, column = one
            found.append("%s %s" % (what, _dotted(schema, table, column.name)))
        else:
            found.append("%s %s" % (one[0], _named(one[1])))
    return found


def _named(thing):
    table = getattr(thing, "table", None)
    name = getattr(thing, "name", None)
    columns = [column.name for column in getattr(thing, "columns", ())] if table is not None else []
    told = str(name) if name else "without a name"
    if table is None:
        return told
    return "%s on %s (%s)" % (told, table.name, ", ".join(columns))


def _dotted(*names):
    return ".".join(str(name) for name in names if name)
