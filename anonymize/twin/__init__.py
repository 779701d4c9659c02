"""The operations in Python: the same bytes as the kernel's, slowly. It is also what the kernel is checked against."""
