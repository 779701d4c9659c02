"""A project's migrations, read from its files and not run."""
