"""Use cases around the order of migrations: one linear history, checked and repaired."""
