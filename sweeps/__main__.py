"""Lets `python -m sweeps` run the command line."""

from sweeps.cli.entry import command

command()
