"""The only I/O: each module implements a port of `migci.ports`."""
