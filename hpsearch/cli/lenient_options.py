"""Variables that make no sense, for the command that has to name them and would end because of them."""

from __future__ import annotations

import click


class ForgivingOption(click.Option):
    """An option that takes a variable whose value it cannot have for one that is not set."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the variable, if the option can have it."""
        value = super().resolve_envvar_value(ctx)
        return None if value is None or why_refused(self, value) else value


def why_refused(option: click.Option, value: str) -> str | None:
    """Return why an option cannot have a value that its variable gives it; None if it can."""
    if option.is_flag and not option.is_bool_flag:
        return None  # such a flag takes whatever it does not know for unset
    try:
        option.type_cast_value(
            click.Context(click.Command(option.name)),
            option.type.split_envvar_value(value) if option.multiple or option.nargs != 1 else value,
        )
    except click.BadParameter as error:
        return error.message.rstrip(".")
    return None
