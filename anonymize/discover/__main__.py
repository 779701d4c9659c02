"""Writes docs/anonymize-discover.md: `python -m anonymize.discover > docs/anonymize-discover.md`."""

from __future__ import annotations

import sys

from anonymize.discover.page import page

if __name__ == "__main__":
    sys.stdout.write(page())
