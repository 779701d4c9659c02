"""Writes docs/kinds.md: `python -m anonymize.kinds > docs/kinds.md`."""

from __future__ import annotations

import sys

from anonymize.kinds.page import page

if __name__ == "__main__":
    sys.stdout.write(page())
