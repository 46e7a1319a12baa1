"""The ``hpsearch`` command. Each subcommand's module is imported when it is used, not before."""

from __future__ import annotations

import importlib
from typing import NoReturn

import click

from hpsearch.cli.options import debug_option
from hpsearch.cli.process import as_process, run_and_exit
from hpsearch.cli.variables import LenientOption

#: Where each command lives, and what it does in a line: the help reads nothing else.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("hpsearch.cli.run:run", "Search: a coordinator and local workers in one command."),
    "coordinator": ("hpsearch.cli.run:coordinator", "Search with workers that are started elsewhere."),
    "worker": ("hpsearch.cli.worker:worker", "Evaluate trials."),
    "status": ("hpsearch.cli.query:status", "Show how far searches have come."),
    "best": ("hpsearch.cli.query:best", "Show the best trials."),
    "trials": ("hpsearch.cli.query:trials", "List trials."),
    "show": ("hpsearch.cli.query:show", "Show everything about one trial."),
    "workers": ("hpsearch.cli.query:workers", "List the workers."),
    "pause": ("hpsearch.cli.control:pause", "Let running trials finish, start no new ones."),
    "resume": ("hpsearch.cli.control:resume", "Go on with a paused search."),
    "stop": ("hpsearch.cli.control:stop", "End a search."),
    "priority": ("hpsearch.cli.control:priority", "Change the share that a search has of the workers."),
    "delete": ("hpsearch.cli.delete:delete", "Delete a search with all that it has."),
    "space": ("hpsearch.cli.space:space_group", "Look at a search space."),
    "import-hyperopt": (
        "hpsearch.cli.import_hyperopt:import_hyperopt",
        "Take over a search that was begun under Hyperopt.",
    ),
    "doctor": ("hpsearch.cli.doctor:doctor", "Look this machine and its database over."),
    "db": (
        "hpsearch.cli.db:db",
        "Set databases up, look them over, back up and restore searches; start and stop the private one.",
    ),
}


class _LazyGroup(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            # click looks for similar names among the commands that it has imported.
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hpsearch")
@debug_option(cls=LenientOption)  # what is wrong with its variable, the subcommand says
def cli() -> None:
    """Hyperparameter search on a fleet of machines.

    Exit codes: 0 done; 1 no trial succeeded; 2 wrong usage; 4 not found; 65 the objective,
    the space or a backup cannot be loaded; 69 MongoDB cannot be reached; 70 too many failures in a row; 77
    MongoDB refuses the user; 78 wrong set-up; 130 and 143 interrupted.
    """


def main() -> NoReturn:
    """Run ``hpsearch``."""
    run_and_exit(cli, "hpsearch", "HPSEARCH")


def main_of_process() -> NoReturn:
    """Run ``hpsearch`` in a process that has nothing else to do."""
    as_process(main)
