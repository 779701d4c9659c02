"""`python -m migci` is `migci`."""

from migci.cli import main

main()
