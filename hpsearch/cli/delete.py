"""``hpsearch delete``: delete a search from the database."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.cli.stores import open_store
from hpsearch.core.trial import State
from hpsearch.errors import ExperimentActiveError, NotFoundError, UnreadableError
from hpsearch.runtime.logs import log_to_stderr
from hpsearch.store.protocol import TrialStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The data of a search in the database, and who is working on it."""

    n_by_state: dict[State, int]  #: trials; without states that no trial has
    n_attachments: int  #: of the experiment and of its trials
    is_led: bool  #: whether a coordinator leads it now
    n_held: int  #: running trials with a valid lease

    @property
    def is_empty(self) -> bool:
        """Whether there are no trials and no attachments."""
        return not (self.n_by_state or self.n_attachments)

    @property
    def text(self) -> str:
        """The data as text."""
        states = ", ".join(f"{n} {state}" for state, n in self.n_by_state.items())
        trials = f"{_counted(sum(self.n_by_state.values()), 'trial')}{states and f' ({states})'}"
        return f"{trials} and {_counted(self.n_attachments, 'attachment')}"

    @property
    def work(self) -> str:
        """The coordinator and the workers as text; empty if there are none."""
        led = ["a coordinator leads it"] if self.is_led else []
        held = [f"workers evaluate {_counted(self.n_held, 'trial')} of it"] if self.n_held else []
        return " and ".join(led + held)


@click.command()
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
        held = _contents(opened.store, exp_key)
        if held.work and not force:
            raise ExperimentActiveError(exp_key, held.work)
        if not (yes or _is_confirmed(exp_key, held)):
            click.echo("Nothing was deleted.", err=True)
            raise click.exceptions.Exit(1)
        opened.store.delete_experiment(exp_key, unless_active=not force)
        click.echo(f"{exp_key} is deleted, with {held.text}.", err=True)


def _contents(store: TrialStore, exp_key: str) -> Contents:
    """Return the data of a search; raises ``NotFoundError`` if there are none.

    After an interrupted deletion, there may be trials or attachments without a document of the experiment.
    """
    now = store.now()
    running = store.trials(exp_key, states={State.RUNNING})
    held = Contents(
        n_by_state={state: n for state, n in store.counts(exp_key).items() if n},
        n_attachments=store.n_attachments(exp_key),
        is_led=_is_led(store, exp_key),
        n_held=sum(t.lease_until is not None and t.lease_until > now for t in running),
    )
    if held.is_empty:
        find_experiment(store, exp_key)
    return held


def _is_led(store: TrialStore, exp_key: str) -> bool:
    try:
        return store.experiment(exp_key).is_led(store.now())
    except (NotFoundError, UnreadableError):  # an invalid document can be deleted, too
        return False


def _is_confirmed(exp_key: str, held: Contents) -> bool:
    """Ask for confirmation.

    Raises
    ------
    UsageError
        If there is no terminal.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"{exp_key} has {held.text}, and there is no terminal to ask on: add --yes to delete it."
        )
    work = f" Now {held.work}." if held.work else ""
    question = f"{exp_key} has {held.text}.{work} Delete it permanently?"
    return click.confirm(question, default=False, err=True)


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
