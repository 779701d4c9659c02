"""One linear history: what checks, extends and mends the order of a project's migrations."""
