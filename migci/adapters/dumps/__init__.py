"""Dumps on their way into a server: opened, cut into statements, and loaded over several connections."""
