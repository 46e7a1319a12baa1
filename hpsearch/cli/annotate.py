"""``hpsearch note`` and ``tag``: what a user writes about a search or a trial."""

from __future__ import annotations

import logging
from typing import Any

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.runtime.logs import log_to_stderr


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("text", nargs=-1, metavar="[best|TID] TEXT")
@option("--remove", is_flag=True, help="Remove the note.")
@store_option(required=False)
@debug_option()
def note(exp_key: str, text: tuple[str, ...], remove: bool, store: str | None) -> None:
    """Write a note about a search, or about one of its trials; it replaces an earlier one.

    `status`, `show`, `trials` and `export` show it.
    """
    which, words = _split(text)
    written = " ".join(words).strip()
    if bool(written) is remove:
        raise click.UsageError("Give the text of the note, or --remove.")
    _annotate(store, exp_key, which, note=written)


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("tags", nargs=-1, metavar="[best|TID] TAG...")
@option("--remove", is_flag=True, help="Remove these tags.")
@store_option(required=False)
@debug_option()
def tag(exp_key: str, tags: tuple[str, ...], remove: bool, store: str | None) -> None:
    """Add tags, such as baseline, to a search, or to one of its trials.

    `status`, `show`, `trials` and `export` show them; `trials --where "'baseline' in tags"` finds them.
    """
    which, words = _split(tags)
    names = [word.strip() for word in words]
    if not names or not all(names):
        raise click.UsageError("Give one or more tags.")
    _annotate(store, exp_key, which, **({"remove": names} if remove else {"add": names}))


def _split(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """Return which trial is meant, if any, and the other words."""
    is_trial = bool(words) and (words[0] == "best" or words[0].isdecimal())
    return (words[0], words[1:]) if is_trial else (None, words)


def _annotate(uri: str | None, exp_key: str, which: str | None, **changes: Any) -> None:
    from hpsearch.cli.find import find_experiment, find_trial
    from hpsearch.cli.open_store import open_store

    log_to_stderr(logging.ERROR)
    with open_store(uri) as opened:
        find_experiment(opened.store, exp_key)
        if which is None:
            opened.store.annotate(exp_key, **changes)
            return
        trial = find_trial(opened.store, exp_key, "best" if which == "best" else int(which))
        opened.store.annotate(exp_key, trial.tid, **changes)
