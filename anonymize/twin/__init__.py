"""The operations in Python: the same bytes as the kernel's, slowly. It is also what the kernel is checked against."""

from anonymize.twin.applying import apply
from anonymize.twin.rows import Rows
from anonymize.twin.skipping import lines, skip

__all__ = ["Rows", "apply", "lines", "skip"]
