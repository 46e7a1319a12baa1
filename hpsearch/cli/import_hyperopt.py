"""``hpsearch import-hyperopt``: go on here with what was begun under Hyperopt."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.cli.stores import PATIENCE, open_store
from hpsearch.core.experiment import UNDECIDED, Experiment, ExperimentState, bad_exp_key, is_exp_key
from hpsearch.core.trial import State
from hpsearch.errors import ExperimentMismatchError, LoadError, NotFoundError, SpaceError
from hpsearch.hyperopt.engine.alias import alias_modules
from hpsearch.hyperopt.migration.job_import import Job, JobSource, read_jobs
from hpsearch.hyperopt.migration.pickled_trials import PickledTrials
from hpsearch.objective.loading import DEFAULT_SPACE, load, parse_target
from hpsearch.runtime.escaping import escaped
from hpsearch.runtime.logs import log_to_stderr
from hpsearch.runtime.user_code import preserve_process_state
from hpsearch.space.tree import Space
from hpsearch.store.mongo.hyperopt_jobs import MongoJobSource
from hpsearch.store.mongo.hyperopt_uri import jobs_address
from hpsearch.store.protocol import TrialStore
from hpsearch.store.rules import check_joinable

#: Trials written between two lines of progress.
_BATCH = 1_000

#: Jobs that are told one by one when they are left out.
_TOLD = 5


@click.command("import-hyperopt")
@click.argument("source")
@option(
    "--space", metavar="REF", required=True, help="The search space: file.py:name or package.module:name."
)
@option(
    "--exp-key", metavar="KEY", help="Whose jobs, by Hyperopt's exp_key [default: the only one there is]."
)
@option("--into", metavar="NAME", help="Name of the experiment here [default: the key of the jobs].")
@option("--skip-invalid", is_flag=True, help="Leave out jobs whose points are not of the space, and go on.")
@option("--trust-pickle", is_flag=True, help="Load a file of pickled Trials, which may run any code.")
@store_option(required=False)
@debug_option()
def import_hyperopt(
    source: str,
    space: str,
    exp_key: str | None,
    into: str | None,
    skip_invalid: bool,
    trust_pickle: bool,
    store: str | None,
) -> None:
    """Take over the trials of a search that was begun under Hyperopt.

    SOURCE is the MongoDB of its MongoTrials, as mongo://host:port/database/jobs or mongodb://,
    or a file of pickled Trials. What is done or failed counts for the search that goes on here
    with `hpsearch run TARGET --exp-key NAME`, or with fmin and MongoTrials; what waits, or ran,
    is evaluated then. Importing again adds only what is new.
    """
    log_to_stderr(logging.WARNING)
    # Files that import hyperopt, and pickles that name its classes, get this package.
    alias_modules()
    with preserve_process_state():
        wanted = Space(load(parse_target(space, DEFAULT_SPACE)))
    with _opened(source, trust_pickle=trust_pickle) as jobs_of:
        key = _chosen(jobs_of.exp_keys(), exp_key)
        name = _checked(into or key)
        docs = jobs_of.jobs(key)
        jobs, problems = read_jobs(docs, name, wanted)
        _tell_left_out(problems, len(docs), skip_invalid=skip_invalid)
        with open_store(store) as opened:
            _open_experiment(opened.store, name, wanted)
            n_here = _check_here(opened.store, name, jobs)
            n_attached = _write(opened.store, jobs_of, jobs, n_here)
    _conclude(name, jobs, n_here, n_attached)


@contextmanager
def _opened(source: str, *, trust_pickle: bool) -> Iterator[JobSource]:
    """Open what SOURCE names."""
    if "://" in source:
        found = MongoJobSource.connect(jobs_address(source), PATIENCE)
        try:
            yield found
        finally:
            found.close()
        return
    path = Path(source)
    if not os.path.isfile(path):  # noqa: PTH113 - Path's would raise for a name that no file can have
        # A mistyped address may hold a password.
        named = "no such file" if set(source) & set("@:?") else f"no file {source}"
        raise LoadError(f"There is {named}; a database is written as mongo://host:port/database/jobs.")
    if not trust_pickle:
        raise click.UsageError(
            f"{source} is taken for pickled Trials, and loading a pickle runs whatever code is in it: "
            "add --trust-pickle if you know where it comes from."
        )
    yield PickledTrials(path)


def _chosen(keys: Sequence[Any], exp_key: str | None) -> Any:
    """Return the key of the jobs to import; the empty text stands for jobs without one."""
    told = ", ".join("none ('')" if key is None else str(key) for key in keys) or "no jobs at all"
    if exp_key is None:
        if len(keys) == 1:
            return keys[0]
        raise click.UsageError(f"Name one of the keys in the source with --exp-key: {told}.")
    found = next((key for key in keys if str("" if key is None else key) == exp_key), exp_key)
    if found not in keys:
        raise NotFoundError(f"The source has no jobs with the exp_key {exp_key!r}; it has: {told}.")
    return found


def _checked(name: Any) -> str:
    """Return the name of the experiment, if it can be one."""
    if name is None:
        raise click.UsageError("The jobs have no exp_key: name their experiment with --into.")
    if not is_exp_key(str(name)):
        raise click.BadParameter(bad_exp_key(str(name)), param_hint="--into")
    return str(name)


def _tell_left_out(problems: Sequence[str], n_jobs: int, *, skip_invalid: bool) -> None:
    """Say which jobs cannot be trials of this space; raises unless they are to be left out."""
    if not problems:
        return
    if not skip_invalid:
        text = (
            f"{problems[0]} This is so for {len(problems)} of {n_jobs} jobs; --skip-invalid leaves them out."
        )
        raise SpaceError(text)
    for problem in problems[:_TOLD]:
        click.echo(f"Left out: {escaped(problem)}", err=True)
    if len(problems) > _TOLD:
        click.echo(f"Left out: {len(problems) - _TOLD} more.", err=True)


def _open_experiment(store: TrialStore, name: str, space: Space) -> None:
    """Make the experiment, of which only the space is decided, or check the one that is there."""
    wanted = Experiment(
        exp_key=name,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=UNDECIDED,
        state=ExperimentState.STOPPED,
    )
    try:
        present = store.experiment(name)
    except NotFoundError:
        store.open_experiment(wanted)
    else:
        check_joinable(present, replace(wanted, objective=present.objective))


def _check_here(store: TrialStore, name: str, jobs: Sequence[Job]) -> int:
    """Return how many of the jobs, from the first on, are here already.

    Raises
    ------
    ExperimentMismatchError
        If the experiment has another trial in the place of a job.
    """
    n_here = 0
    for there, job in zip(store.trials(name), jobs, strict=False):
        if (there.values, there.origin) != (job.trial.values, job.trial.origin):
            raise ExperimentMismatchError(
                f"Experiment {name!r} has other trials: number {there.tid} is not job {job.doc['tid']} "
                "of the source; give the import a name of its own with --into."
            )
        n_here += 1
    return n_here


def _write(store: TrialStore, source: JobSource, jobs: Sequence[Job], n_here: int) -> int:
    """Insert the trials from a number on, and all attachments that are missing; return how many of those."""
    n_attached = 0
    for start in range(0, len(jobs), _BATCH):
        batch = jobs[start : start + _BATCH]
        store.insert([job.trial for job in batch if job.trial.tid >= n_here])
        n_attached += sum(_attach(store, source, job, is_new=job.trial.tid >= n_here) for job in batch)
        if len(jobs) > _BATCH:
            click.echo(f"{start + len(batch)} of {len(jobs)} jobs", err=True)
    return n_attached


def _attach(store: TrialStore, source: JobSource, job: Job, *, is_new: bool) -> int:
    """Write the attachments of a job that its trial lacks; return how many."""
    trial, n_attached = job.trial, 0
    there: list[str] | None = [] if is_new else None
    for name, data in source.attachments(job.doc):
        if there is None:
            there = store.attachments(trial.exp_key, tid=trial.tid)
        if name in there:
            continue
        if isinstance(data, bytes):
            store.attach(trial.exp_key, name, data, tid=trial.tid)
            n_attached += 1
        else:
            what = "is missing in the source" if data is None else f"is a {type(data).__name__}, not bytes"
            which = escaped(f"the attachment {name!r} of job {job.doc['tid']}")
            click.echo(f"Left out: {which} {what}.", err=True)
    return n_attached


def _conclude(name: str, jobs: Sequence[Job], n_here: int, n_attached: int) -> None:
    new = jobs[n_here:]
    counts = Counter(job.trial.state for job in new)
    states = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    told = f"{name}: {len(new)} of {len(jobs)} jobs imported" + (f" ({states})" if states else "")
    click.echo(f"{told}, {n_here} were here already; attachments: {n_attached}.")
    click.echo(f"Go on with: hpsearch run TARGET --exp-key {name}", err=True)
