"""The environment variables of the commands' options."""

from __future__ import annotations

from collections.abc import Iterator

import click


class LenientOption(click.Option):
    """An option that ignores its environment variable if the value is invalid."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the variable if it is valid."""
        value = super().resolve_envvar_value(ctx)
        return None if value is None or invalid_reason(self, value) else value


def invalid_reason(option: click.Option, value: str) -> str | None:
    """Return why the value of an environment variable is invalid for its option; None if it is valid.

    Parameters
    ----------
    option : click.Option
        The option.
    value : str
        The value of its variable.
    """
    if option.is_flag and not option.is_bool_flag:
        return None  # click treats unknown values of such a flag as unset
    try:
        option.type_cast_value(
            click.Context(click.Command(option.name)),
            option.type.split_envvar_value(value) if option.multiple or option.nargs != 1 else value,
        )
    except click.BadParameter as error:
        return error.message.rstrip(".")
    return None


def variable_of(option: click.Option, env_prefix: str) -> str:
    """Return the name of the environment variable of an option.

    Parameters
    ----------
    option : click.Option
        The option.
    env_prefix : str
        Start of the variables of its command, such as ``HPSEARCH_RUN``.
    """
    return option.envvar if isinstance(option.envvar, str) else f"{env_prefix}_{option.name}".upper()


def variables(root: click.Command) -> dict[str, click.Option]:
    """Return the option of each environment variable that a command reads.

    Parameters
    ----------
    root : click.Command
        The group ``hpsearch``.
    """
    from hpsearch.cli.mongo_worker import mongo_worker  # imports this module

    return dict([*_variables(mongo_worker, "HPSEARCH_MONGO_WORKER"), *_variables(root, "HPSEARCH")])


def _variables(command: click.Command, prefix: str) -> Iterator[tuple[str, click.Option]]:
    """Yield the variables of the options of a command and its subcommands."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield variable_of(parameter, prefix), parameter
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _variables(child, f"{prefix}_{name}".replace("-", "_"))
