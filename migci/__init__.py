"""migci finds out what a database migration does to a real database, before the patch that brings it merges."""

__version__ = "0.1.0"
