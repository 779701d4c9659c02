"""Runs a project's migration tool for migci: `python agent FD`, on Python 3.7 and later.

Requests come and replies go as JSON lines on the socket FD, so nothing that a migration prints is mistaken for either.
What is said here is detail for the report; whether a migration succeeded is decided outside, by how this process ends
and by what the database holds.
"""

import sys

from migci_agent.serve import serve

sys.path.pop(0)  # this folder: the project's own modules come first from here on

if __name__ == "__main__":
    serve(int(sys.argv[1]))
