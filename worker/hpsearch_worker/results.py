"""Writes the result of an evaluation, and names what the store cannot hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hpsearch.core.trial import OUTPUT_NAME, Failure, FailureKind, Result, State, Trial
from hpsearch.errors import LeaseLostError, StoreError, StorePermissionError, StoreUnavailableError
from hpsearch.store.checks import Content
from hpsearch.store.protocol import LeaseStatus, TrialStore

#: Attachments that an error message names.
_MAX_NAMED = 20


def store_attachments(
    store: TrialStore, trial: Trial, contents: Mapping[str, Content], result: Result, output: bytes = b""
) -> Result:
    """Store the attachments of an evaluation; return its result, with a sentence for each that failed.

    Parameters
    ----------
    store : TrialStore
        Holds the trial.
    trial : Trial
        Claimed by this worker.
    contents : mapping
        Bytes by name.
    result : Result
        Of the evaluation; not stored here.
    output : bytes
        The end of what it printed. It is stored, too, unless the trial failed: then its error has the output.

    Raises
    ------
    LeaseLostError
        If another worker has the trial.
    """
    if output and result.error is None:
        contents = {OUTPUT_NAME: output, **contents}
    if not contents:
        return result
    # Attachments are not fenced as a result is, and the last renewal may be seconds old.
    if store.renew(trial) is not LeaseStatus.HELD:
        raise LeaseLostError(trial.id)
    try:
        store.attach_all(trial.exp_key, contents, tid=trial.tid, attempt=trial.attempt)
    except StoreUnavailableError:
        raise
    except StoreError:
        return result.with_problems(_attach_one_by_one(store, trial, contents))
    return result


def store_result(store: TrialStore, trial: Trial, result: Result) -> None:
    """Finish a trial; if the store cannot hold the whole result, with its loss and the reason.

    Parameters
    ----------
    store : TrialStore
        Holds the trial.
    trial : Trial
        Claimed by this worker.
    result : Result
        Of its evaluation.

    Raises
    ------
    LeaseLostError
        If another worker has the trial.
    """
    try:
        store.finish(trial, result)
    except (LeaseLostError, StorePermissionError, StoreUnavailableError):
        raise
    except StoreError as refusal:
        failure = Failure(kind=FailureKind.UNSTORABLE, message=f"The result could not be stored: {refusal}")
        kept = {} if result.loss is None else {"loss": result.loss}
        error = result.error if result.state is not State.DONE and result.error else failure
        store.finish(trial, replace(result, result=kept, error=error, objective=None, pruned=None))


def _attach_one_by_one(store: TrialStore, trial: Trial, contents: Mapping[str, Content]) -> list[str]:
    """Store the attachments that can be stored; return a sentence for each other, up to a number."""
    problems = []
    for name, data in contents.items():
        try:
            store.attach(trial.exp_key, name, data, tid=trial.tid, attempt=trial.attempt)
        except StoreUnavailableError:
            raise
        except StoreError as refusal:
            if name == OUTPUT_NAME:
                continue  # the result is complete without it
            problems.append(f"The attachment {name!r} could not be stored: {refusal}")
    if len(problems) > _MAX_NAMED:
        n_more = len(problems) - _MAX_NAMED
        problems[_MAX_NAMED:] = [f"{n_more} other attachments could not be stored either."]
    return problems
