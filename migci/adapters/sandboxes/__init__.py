"""How code that nobody has reviewed is kept in: what it may see and use, and the ways to hold it to that."""
