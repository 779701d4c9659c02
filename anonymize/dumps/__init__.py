"""Dumps: bytes in, statements and rows, bytes out."""
