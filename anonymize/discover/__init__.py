"""Proposals: which columns of a dump look confidential, by their names, their types and a sample of their values."""
