"""``hpsearch db backup`` and ``db restore``: write searches to a file, and read them back."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import PATIENCE, open_store
from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.errors import BackupError, HpsearchError, NotFoundError
from hpsearch.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    from hpsearch.store.mongo import backup_records as backups
    from hpsearch.store.protocol import TrialStore

F = TypeVar("F", bound=Callable[..., Any])


def _file_options(command: F) -> F:
    keys = option("--exp-key", metavar="KEY", multiple=True, help="Only this search; repeatable.")
    for decorate in (debug_option(), store_option(required=False), keys, click.argument("file")):
        command = decorate(command)
    return command


@click.command(cls=Command)
@_file_options
def backup(file: str, exp_key: tuple[str, ...], store: str | None) -> None:
    """Write searches with their trials and attachments to FILE; - is stdout.

    The file contains one document a line in MongoDB's extended JSON, compressed if its name ends
    in .gz. It replaces an existing file once it is complete. Searches may run meanwhile.
    """
    from hpsearch.cli.backup_file import write_lines
    from hpsearch.report.text import count_text
    from hpsearch.store.mongo import backup_records as backups
    from hpsearch.store.mongo.backup_transfer import Archive
    from hpsearch.store.mongo.extended_json import line_of

    log_to_stderr(logging.WARNING)
    with open_store(store) as opened, closing(Archive.connect(opened.uri, PATIENCE)) as archive:
        n_trials = {key: sum(opened.store.counts(key).values()) for key in _keys(opened.store, exp_key)}
        first = backups.header(opened.store.now(), n_trials)
        counts = Counter[backups.Kind]()
        records = backups.with_end(archive.read(list(n_trials)), counts)
        write_lines(file, map(line_of, chain([first], records)))
    nouns = ("search", "trial", "attachment")
    searches, trials, attachments = map(count_text, (counts[kind] for kind in backups.COUNTED), nouns)
    click.echo(f"Wrote {searches} with {trials} and {attachments} to {file}.", err=True)


@click.command(cls=Command)
@_file_options
def restore(file: str, exp_key: tuple[str, ...], store: str | None) -> None:
    """Restore the searches of a backup from FILE; - is stdin.

    Writes nothing unless all of FILE is valid and none of its searches exists. Trials that were
    running when the backup was made become pending.
    """
    from hpsearch.cli.backup_file import open_backup, read_lines
    from hpsearch.store.mongo import backup_records as backups
    from hpsearch.store.mongo.backup_transfer import Archive
    from hpsearch.store.mongo.extended_json import records_of

    log_to_stderr(logging.WARNING)
    with open_backup(file) as raw, open_store(store) as opened:
        found = backups.check(records_of(read_lines(raw)))
        wanted = _wanted(list(found.n_trials), exp_key)
        with closing(Archive.connect(opened.uri, PATIENCE)) as archive:
            archive.check_free(wanted)
            records = backups.of_experiments(records_of(read_lines(raw)), wanted)
            _restore(archive.write(records, opened.store.now()), found, wanted)


def _restore(completed: Iterator[str], found: backups.Contents, wanted: Sequence[str]) -> None:
    """Restore one search after the other, and print a line for each.

    Raises
    ------
    BackupError
        If a search cannot be restored; names those that were restored and those that were not.
    """
    from hpsearch.report.text import count_text

    done: list[str] = []
    try:
        for exp_key in completed:
            done.append(exp_key)
            click.echo(f"Restored {exp_key} with {count_text(found.n_trials[exp_key], 'trial')}.", err=True)
    except HpsearchError as error:
        rest = [key for key in wanted if key not in done]
        if not rest:
            raise
        raise BackupError(
            f"{error} Restored: {', '.join(done) or 'nothing'}; not restored: {', '.join(rest)}. "
            f"To try again, run `hpsearch delete {rest[0]}`, and name the missing searches with --exp-key."
        ) from error


def _keys(store: TrialStore, named: Sequence[str]) -> list[str]:
    """Return the names of the searches to write: the named ones, or all."""
    if named:
        return [find_experiment(store, key).exp_key for key in dict.fromkeys(named)]
    return [experiment.exp_key for experiment in store.experiments()]


def _wanted(present: Sequence[str], named: Sequence[str]) -> list[str]:
    """Return the searches to restore; raises ``NotFoundError`` if the backup does not contain one."""
    for key in named:
        if key not in present:
            raise NotFoundError(
                f"The backup contains no search {key!r}, only: {', '.join(present) or 'none'}."
            )
    return [key for key in present if not named or key in named]
