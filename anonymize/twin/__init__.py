"""The operations in Python: the same bytes as the kernel's, slowly. It is also what the kernel is checked against."""

from anonymize.twin.applying import apply
from anonymize.twin.leaks import Leaks
from anonymize.twin.originals import Originals
from anonymize.twin.pairs import Pairs, Relation
from anonymize.twin.rows import Rows
from anonymize.twin.skipping import lines, skip

__all__ = ["Leaks", "Originals", "Pairs", "Relation", "Rows", "apply", "lines", "skip"]
