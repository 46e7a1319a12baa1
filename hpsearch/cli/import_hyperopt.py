"""``hpsearch import-hyperopt``: import a search that began under Hyperopt."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import PATIENCE, open_store
from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.errors import ExperimentMismatchError, LoadError, NotFoundError, SpaceError
from hpsearch.runtime.escaping import escaped
from hpsearch.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    from hpsearch.hyperopt.migration.job_import import Job, JobSource
    from hpsearch.store.protocol import TrialStore

#: Number of trials between two lines of progress.
_BATCH = 1_000

#: Number of skipped trials that are printed one by one.
MAX_PRINTED = 5


@click.command("import-hyperopt", cls=Command)
@click.argument("source")
@option(
    "--space", metavar="REF", required=True, help="The search space: file.py:name or package.module:name."
)
@option("--source-key", metavar="KEY", help="Hyperopt's exp_key of the jobs [default: the only one].")
@option("--into", metavar="NAME", help="Name of the new experiment [default: the exp_key of the jobs].")
@option("--skip-invalid", is_flag=True, help="Skip jobs whose points do not fit the space.")
@option("--trust-pickle", is_flag=True, help="Allow a file of pickled Trials, which may run any code.")
@store_option(required=False)
@debug_option()
def import_hyperopt(
    source: str,
    space: str,
    source_key: str | None,
    into: str | None,
    skip_invalid: bool,
    trust_pickle: bool,
    store: str | None,
) -> None:
    """Import the trials of a search that began under Hyperopt.

    SOURCE is the MongoDB of its MongoTrials, as mongo://host:port/database/jobs or mongodb://,
    or a file of pickled Trials. Continue the search with `hpsearch run TARGET --exp-key NAME`, or
    with fmin and MongoTrials: finished trials count, others are evaluated. Importing again adds
    only new trials.
    """
    from hpsearch.coordination.imported_search import open_imported
    from hpsearch.hyperopt.engine.alias import alias_modules
    from hpsearch.hyperopt.migration.job_import import read_jobs
    from hpsearch.objective.loading import DEFAULT_SPACE, load, parse_target
    from hpsearch.runtime.user_code import preserve_process_state
    from hpsearch.space.tree import Space

    log_to_stderr(logging.WARNING)
    # Search files that import hyperopt, and pickles that name its classes, then use this package.
    alias_modules()
    with preserve_process_state():
        wanted = Space(load(parse_target(space, DEFAULT_SPACE)))
    with _opened(source, trust_pickle=trust_pickle) as jobs_of:
        key = _chosen(jobs_of.exp_keys(), source_key)
        name = _checked(into or key)
        docs = jobs_of.jobs(key)
        jobs, problems = read_jobs(docs, name, wanted)
        _report_skipped(problems, len(docs), skip_invalid=skip_invalid)
        with open_store(store) as opened:
            open_imported(opened.store, name, wanted)
            n_here = _check_here(opened.store, name, jobs)
            n_attached = _write(opened.store, jobs_of, jobs, n_here)
    _print_result(name, jobs, n_here, n_attached)


@contextmanager
def _opened(source: str, *, trust_pickle: bool) -> Iterator[JobSource]:
    """Open the source."""
    from hpsearch.hyperopt.migration.pickled_trials import PickledTrials
    from hpsearch.store.mongo.hyperopt_jobs import MongoJobSource
    from hpsearch.store.mongo.hyperopt_uri import jobs_address

    if "://" in source:
        found = MongoJobSource.connect(jobs_address(source), PATIENCE)
        try:
            yield found
        finally:
            found.close()
        return
    path = Path(source)
    if not os.path.isfile(path):  # noqa: PTH113 - Path's would raise for a name that no file can have
        # A mistyped URI may contain a password.
        named = "no such file" if set(source) & set("@:?") else f"no file {source}"
        raise LoadError(f"There is {named}; a database is written as mongo://host:port/database/jobs.")
    if not trust_pickle:
        raise click.UsageError(
            f"{source} is read as pickled Trials, and loading a pickle runs the code in it: "
            "add --trust-pickle if you trust its source."
        )
    yield PickledTrials(path)


def _chosen(keys: Sequence[Any], exp_key: str | None) -> Any:
    """Return the exp_key of the jobs to import; an empty --source-key selects jobs without one."""
    names = ", ".join("none ('')" if key is None else str(key) for key in keys) or "no jobs"
    if exp_key is None:
        if len(keys) == 1:
            return keys[0]
        raise click.UsageError(f"Name one of the keys in the source with --source-key: {names}.")
    found = next((key for key in keys if str("" if key is None else key) == exp_key), exp_key)
    if found not in keys:
        raise NotFoundError(f"The source has no jobs with the exp_key {exp_key!r}, only with: {names}.")
    return found


def _checked(name: Any) -> str:
    """Return the name of the experiment if it is valid."""
    from hpsearch.core.experiment import invalid_exp_key, is_exp_key

    if name is None:
        raise click.UsageError("The jobs have no exp_key: name their experiment with --into.")
    if not is_exp_key(str(name)):
        raise click.BadParameter(invalid_exp_key(str(name)), param_hint="--into")
    return str(name)


def _report_skipped(problems: Sequence[str], n_jobs: int, *, skip_invalid: bool) -> None:
    """Print the jobs that do not fit the space, or raise unless they are to be skipped."""
    if not problems:
        return
    if not skip_invalid:
        text = f"{problems[0]} {len(problems)} of {n_jobs} jobs are invalid; --skip-invalid skips them."
        raise SpaceError(text)
    for problem in problems[:MAX_PRINTED]:
        click.echo(f"Skipped: {escaped(problem)}", err=True)
    if len(problems) > MAX_PRINTED:
        click.echo(f"Skipped: {len(problems) - MAX_PRINTED} more.", err=True)


def _check_here(store: TrialStore, name: str, jobs: Sequence[Job]) -> int:
    """Return how many of the first jobs are already trials of the experiment.

    Raises
    ------
    ExperimentMismatchError
        If the trial with the number of a job is another one.
    """
    n_here = 0
    for trial, job in zip(store.trials(name), jobs, strict=False):
        if (trial.values, trial.origin) != (job.trial.values, job.trial.origin):
            raise ExperimentMismatchError(
                f"Experiment {name!r} has other trials: number {trial.tid} is not job {job.doc['tid']} "
                "of the source; choose another name with --into."
            )
        n_here += 1
    return n_here


def _write(store: TrialStore, source: JobSource, jobs: Sequence[Job], n_here: int) -> int:
    """Insert the new trials and the missing attachments; return the number of attachments."""
    n_attached = 0
    for start in range(0, len(jobs), _BATCH):
        batch = jobs[start : start + _BATCH]
        store.insert([job.trial for job in batch if job.trial.tid >= n_here])
        n_attached += sum(_attach(store, source, job, is_new=job.trial.tid >= n_here) for job in batch)
        if len(jobs) > _BATCH:
            click.echo(f"{start + len(batch)} of {len(jobs)} jobs", err=True)
    return n_attached


def _attach(store: TrialStore, source: JobSource, job: Job, *, is_new: bool) -> int:
    """Write the missing attachments of a job; return their number."""
    trial, n_attached = job.trial, 0
    present: list[str] | None = [] if is_new else None
    for name, data in source.attachments(job.doc):
        if present is None:
            present = store.attachments(trial.exp_key, tid=trial.tid)
        if name in present:
            continue
        if isinstance(data, bytes):
            store.attach(trial.exp_key, name, data, tid=trial.tid)
            n_attached += 1
        else:
            what = "is missing in the source" if data is None else f"is a {type(data).__name__}, not bytes"
            which = escaped(f"the attachment {name!r} of job {job.doc['tid']}")
            click.echo(f"Skipped: {which} {what}.", err=True)
    return n_attached


def _print_result(name: str, jobs: Sequence[Job], n_here: int, n_attached: int) -> None:
    from hpsearch.core.trial import State

    new = jobs[n_here:]
    counts = Counter(job.trial.state for job in new)
    states = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    text = f"{name}: {len(new)} of {len(jobs)} jobs imported" + (f" ({states})" if states else "")
    click.echo(f"{text}, {n_here} existed already; attachments: {n_attached}.")
    click.echo(f"Go on with: hpsearch run TARGET --exp-key {name}", err=True)
