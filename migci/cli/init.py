"""`migci init`."""

import click


@click.command()
def init() -> None: ...
