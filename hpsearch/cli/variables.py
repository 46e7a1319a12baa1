"""The environment variables that give options of the commands their values."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import click

#: The other command of the distribution, where it is, and what its variables begin with.
_MONGO_WORKER = ("hpsearch.cli.mongo_worker", "mongo_worker", "HPSEARCH_MONGO_WORKER")


def variables(root: click.Command) -> dict[str, click.Option]:
    """Return an option for each variable that a command reads, by the name of the variable.

    Parameters
    ----------
    root : click.Command
        The group ``hpsearch``.
    """
    module, name, prefix = _MONGO_WORKER
    other = getattr(importlib.import_module(module), name)
    return dict([*_variables(other, prefix), *_variables(root, "HPSEARCH")])


def _variables(command: click.Command, prefix: str) -> Iterator[tuple[str, click.Option]]:
    """Yield the variables of a command's options, and of its subcommands'."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            own = parameter.envvar
            yield own if isinstance(own, str) else f"{prefix}_{parameter.name}".upper(), parameter
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _variables(child, f"{prefix}_{name}".replace("-", "_"))
