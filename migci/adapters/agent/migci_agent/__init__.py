"""The standard library and the project's own tool, nothing else."""
