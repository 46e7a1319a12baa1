"""``hpsearch delete``: delete a search from the database."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import open_store
from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.errors import ExperimentActiveError, NotFoundError, UnreadableError
from hpsearch.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    from hpsearch.store.protocol import TrialStore


class Contents(NamedTuple):
    """The data of a search in the database, and who is working on it."""

    text: str  #: trials by state, and attachments
    work: str  #: the coordinator and the workers; empty if there are none


@click.command(cls=Command)
@click.argument("exp_key")
@option("--yes", is_flag=True, help="Do not ask for confirmation; required without a terminal.")
@option("--force", is_flag=True, help="Delete it even if a coordinator or workers are working on it.")
@store_option(required=False)
@debug_option()
def delete(exp_key: str, yes: bool, force: bool, store: str | None) -> None:
    """Delete a search with its trials and attachments permanently.

    Asks for confirmation on a terminal. After an interrupted deletion, the same command deletes
    the rest.
    """
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        found = _contents(opened.store, exp_key)
        if found.work and not force:
            raise ExperimentActiveError(exp_key, found.work)
        if not (yes or _is_confirmed(exp_key, found)):
            click.echo("Nothing was deleted.", err=True)
            raise click.exceptions.Exit(1)
        opened.store.delete_experiment(exp_key, unless_active=not force)
        click.echo(f"{exp_key} is deleted, with {found.text}.", err=True)


def _contents(store: TrialStore, exp_key: str) -> Contents:
    """Return the data of a search; raises ``NotFoundError`` if there are none.

    After an interrupted deletion, there may be trials or attachments without a document of the experiment.
    """
    from hpsearch.core.trial import State
    from hpsearch.report.text import count_text

    now = store.now()
    counts = {state: n for state, n in store.counts(exp_key).items() if n}
    n_invalid = store.n_invalid(exp_key)
    n_attachments = store.n_attachments(exp_key)
    if not (counts or n_invalid or n_attachments):
        find_experiment(store, exp_key)
    parts = [f"{n} {state}" for state, n in counts.items()] + [f"{n_invalid} invalid"] * bool(n_invalid)
    states = f" ({', '.join(parts)})" if parts else ""
    running = store.trials(exp_key, states={State.RUNNING})
    n_held = sum(t.lease_until is not None and t.lease_until > now for t in running)
    work = ["a coordinator leads it"] if _is_led(store, exp_key) else []
    if n_held:
        work.append(f"workers evaluate {count_text(n_held, 'trial')} of it")
    trials = f"{count_text(sum(counts.values()) + n_invalid, 'trial')}{states}"
    return Contents(f"{trials} and {count_text(n_attachments, 'attachment')}", " and ".join(work))


def _is_led(store: TrialStore, exp_key: str) -> bool:
    try:
        return store.experiment(exp_key).is_led(store.now())
    except (NotFoundError, UnreadableError):  # an invalid document can be deleted, too
        return False


def _is_confirmed(exp_key: str, found: Contents) -> bool:
    """Ask for confirmation.

    Raises
    ------
    UsageError
        If there is no terminal.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"{exp_key} has {found.text}, and there is no terminal to ask on: add --yes to delete it."
        )
    work = f" Now {found.work}." if found.work else ""
    question = f"{exp_key} has {found.text}.{work} Delete it permanently?"
    return click.confirm(question, default=False, err=True)
