"""``hpsearch priority``: change the share that a search has of the workers."""

from __future__ import annotations

import logging

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.options import debug_option, store_option
from hpsearch.cli.stores import open_store
from hpsearch.core.experiment import HIGHEST_PRIORITY
from hpsearch.runtime.logs import log_to_stderr

#: A share, as an option or an argument.
PRIORITY = click.IntRange(0, HIGHEST_PRIORITY)


@click.command()
@click.argument("exp_key")
@click.argument("n", metavar="N", type=PRIORITY)
@store_option(required=False)
@debug_option()
def priority(exp_key: str, n: int, store: str | None) -> None:
    """Change the share that a search has of the workers that serve several.

    A search of priority 3 gets three times as many trials evaluated as one of 1, which is the default;
    one of 0 gets what no other wants.
    """
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        found = find_experiment(opened.store, exp_key)
        opened.store.set_priority(found.exp_key, n)
        click.echo(f"{exp_key} has the priority {n}; it was {found.priority}", err=True)
