"""The ``hpsearch`` command; imports the module of a subcommand only when it is called."""

from __future__ import annotations

import importlib
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from hpsearch.cli.environment_variables import LenientOption
from hpsearch.cli.options import debug_option
from hpsearch.cli.process import as_process, run_and_exit
from hpsearch.cli.similar_names import did_you_mean

#: The function of each command, and its line in the help.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("hpsearch.cli.run:run", "Search with a coordinator and local workers in one command."),
    "coordinator": ("hpsearch.cli.run:coordinator", "Search with workers that are started separately."),
    "worker": ("hpsearch.cli.worker:worker", "Evaluate trials."),
    "status": ("hpsearch.cli.query:status", "Show the progress of searches."),
    "best": ("hpsearch.cli.best:best", "Show the best trials."),
    "trials": ("hpsearch.cli.trials:trials", "List trials."),
    "show": ("hpsearch.cli.trials:show", "Show everything about one trial."),
    "explain": ("hpsearch.cli.explain:explain", "Explain a search in plain sentences."),
    "importance": ("hpsearch.cli.importance:importance", "Show which parameters matter."),
    "plot": ("hpsearch.cli.plot:plot", "Draw a search into a file."),
    "report": ("hpsearch.cli.report:report", "Write a search as one HTML file."),
    "workers": ("hpsearch.cli.query:workers", "List the workers."),
    "fleet": ("hpsearch.cli.fleet:fleet_group", "Start and stop workers on several machines."),
    "logs": ("hpsearch.cli.logs:logs", "Print what a trial printed."),
    "attachments": (
        "hpsearch.cli.attachments:attachments_group",
        "List and fetch the attachments of trials, such as models.",
    ),
    "dashboard": ("hpsearch.cli.dashboard:dashboard", "Show searches on a live page in the browser."),
    "mirror": ("hpsearch.cli.mirror:mirror_group", "Show a search in MLflow or TensorBoard."),
    "compare": ("hpsearch.cli.compare:compare", "Compare searches."),
    "export": ("hpsearch.cli.export:export", "Write the trials of a search to a CSV or JSONL file."),
    "pause": ("hpsearch.cli.control:pause", "Pause a search: running trials finish, new ones wait."),
    "resume": ("hpsearch.cli.control:resume", "Resume a paused search."),
    "stop": ("hpsearch.cli.control:stop", "End a search."),
    "cancel": ("hpsearch.cli.marks:cancel", "Cancel single trials."),
    "retry": ("hpsearch.cli.add_trials:retry", "Evaluate failed trials again."),
    "enqueue": ("hpsearch.cli.add_trials:enqueue", "Add a trial with chosen parameters."),
    "invalidate": ("hpsearch.cli.marks:invalidate", "Mark finished trials as invalid, or undo that."),
    "ask": ("hpsearch.cli.ask:ask", "Claim a trial for a program in any language."),
    "tell": ("hpsearch.cli.ask:tell", "Write the result of a trial that was asked for."),
    "heartbeat": ("hpsearch.cli.ask:heartbeat", "Renew the lease of a trial that was asked for."),
    "should-stop": ("hpsearch.cli.ask:should_stop", "Ask whether an evaluation should stop."),
    "note": ("hpsearch.cli.annotate:note", "Write a note about a search or a trial."),
    "tag": ("hpsearch.cli.annotate:tag", "Tag a search or a trial."),
    "priority": ("hpsearch.cli.control:priority", "Set the share that a search gets of the workers."),
    "delete": ("hpsearch.cli.delete:delete", "Delete a search with its trials and attachments."),
    "space": ("hpsearch.cli.space:space_group", "Show a search space as text or as a picture."),
    "import-hyperopt": (
        "hpsearch.cli.import_hyperopt:import_hyperopt",
        "Import a search that began under Hyperopt.",
    ),
    "import-optuna": (
        "hpsearch.cli.import_optuna:import_optuna",
        "Import a search that began under Optuna.",
    ),
    "completion": ("hpsearch.cli.completion:completion", "Print the script for completion in a shell."),
    "man": ("hpsearch.cli.man:man", "Print the manual page."),
    "doctor": ("hpsearch.cli.doctor:doctor", "Check this machine, its settings and its database."),
    "db": (
        "hpsearch.cli.db:db",
        "Prepare and check databases, back up and restore searches; start and stop the private MongoDB.",
    ),
}


class _LazyGroup(click.Group):
    """Imports a command only when it is called."""

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
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            # Click suggests only names of commands that are imported, and none before 8.2.
            ctx.fail(f"No such command {name!r}.{did_you_mean(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command without importing any."""
        names = [
            CompletionItem(n, help=text) for n, (_, text) in COMMANDS.items() if n.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hpsearch")
@debug_option(cls=LenientOption)  # the subcommand reports an invalid variable
def cli() -> None:
    """Hyperparameter search on a fleet of machines.

    Exit codes: 0 success; 1 no trial succeeded; 2 wrong usage; 3, 5, 6 and 75 no trial to ask for; 4
    not found; 65 the objective, the space, a result or a backup is not valid; 69 MongoDB cannot be
    reached; 70 too many failures in a row; 77 MongoDB refuses the user; 78 wrong configuration; 130
    and 143 interrupted.
    """


def main() -> NoReturn:
    """Run ``hpsearch``."""
    run_and_exit(cli, "hpsearch", "HPSEARCH")


def main_of_process() -> NoReturn:
    """Run ``hpsearch``, and end the process."""
    as_process(main)
