"""Commands whose help lists their own options first, and those of all commands below."""

from __future__ import annotations

import click

#: Options that many commands share; they have the second section of a help page.
COMMON_OPTIONS = frozenset(
    {"--store", "--store-file", "--format", "--json", "--raw", "--log-format", "--auth-patience", "--debug"}
    | {"--health-port", "--health-host", "--secret-file", "--help", "--version"}
)


class Command(click.Command):
    """A command with two sections of options in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the common ones."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Common options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and record[1]:  # newer versions of Click list arguments, too
                is_common = not COMMON_OPTIONS.isdisjoint(parameter.opts)
                sections["Common options" if is_common else "Options"].append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Group(click.Group):
    """A group of commands with such a help."""

    command_class = Command
