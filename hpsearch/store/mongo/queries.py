"""Every filter and update of trials that the MongoDB store sends.

Three rules apply to all. Each transition is one conditional update of one document, so that
it needs no transaction. All times are ``$$NOW``, the server's clock. Every value from a user
is wrapped in ``$literal``, because an update pipeline reads text that begins with a dollar
as the name of a field.

A holder is identified by the token in ``owner``, new with each claim, and by ``attempt``,
which only a claim increases. An expired lease leaves the token in place: others may then claim
the trial, but until one does, the holder may still renew and finish. A release removes the token.

No lease lasts longer than its own length from now. One that ends later was granted before
the server's clock was set back, and is shortened to its length (``shorten``). A dead
holder's lease then expires in time, and a live holder renews its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hpsearch.core.trial import FINISHED, FailureKind, State, Trial
from hpsearch.store.documents.layout_migration import SCHEMA
from hpsearch.store.documents.trial import LEASE_EXPIRED, LONGEST_LEASE_S

Filter = dict[str, Any]
Pipeline = list[dict[str, Any]]

# Variables and values of update pipelines.
NOW = "$$NOW"
WHOLE = "$$ROOT"
UNSET = "$$REMOVE"
EMPTY: dict[str, Any] = {"$literal": []}

#: Matches documents that this version of hpsearch can read.
KNOWN_LAYOUT: Filter = {"schema": {"$not": {"$gt": SCHEMA}}}

_HELD = [State.RUNNING.value, State.PENDING.value]
_FINISHED = sorted(state.value for state in FINISHED)
#: Done trials that count, with one loss, and keep their limits, if any; None matches a missing mark.
_WITH_LOSS: dict[str, Any] = {
    "state": State.DONE.value,
    "loss": {"$gte": -math.inf},
    "invalid": None,
    "feasible": {"$ne": False},
}

#: As the index "invalid" requires it.
_INVALID: dict[str, Any] = {"invalid.at": {"$exists": True}}


# Filters


def of(exp_key: str, states: Iterable[State] | None = None) -> Filter:
    """Match the trials of an experiment.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    states : iterable of State, optional
        Only trials in one of these.
    """
    if states is None:
        return {"exp_key": exp_key}
    return {"exp_key": exp_key, "state": {"$in": sorted(state.value for state in set(states))}}


def pending(exp_key: str) -> Filter:
    """Match trials of an experiment that can be claimed."""
    return {"exp_key": exp_key, "state": State.PENDING.value, **KNOWN_LAYOUT}


def pending_in_any(exp_keys: Sequence[str]) -> Filter:
    """Match pending trials of any of the experiments, by the fields of the index "queue" alone."""
    return {"exp_key": {"$in": list(exp_keys)}, "state": State.PENDING.value}


def claimed_with(token: str) -> Filter:
    """Match the running trial with a token."""
    return {"state": State.RUNNING.value, "owner": token}


def held(trial: Trial) -> Filter:
    """Match a trial while its holder may change it: not final, and not claimed by another since."""
    return {"_id": trial.id, "owner": trial.owner, "attempt": trial.attempt, "state": {"$in": _HELD}}


def cancelled(trial: Trial) -> Filter:
    """Match a trial that was cancelled under this claim."""
    return {**held(trial), "state": State.CANCELLED.value}


def held_or_finished(trial: Trial) -> Filter:
    """Match as ``held`` does, or a trial that was finished under this claim."""
    return {**held(trial), "state": {"$in": _HELD + _FINISHED}}


def held_or_released(trial: Trial, why: str) -> Filter:
    """Match as ``held`` does, or a trial whose history has the release of this claim.

    Parameters
    ----------
    trial : Trial
        As it was claimed.
    why : str
        The reason of the release.
    """
    released = {"history": {"$elemMatch": {"attempt": trial.attempt, "why": {"$eq": why}}}}
    return {"_id": trial.id, "$or": [held(trial), released]}


def leased(exp_key: str) -> Filter:
    """Match running trials of an experiment whose lease has not expired."""
    return {"exp_key": exp_key, "state": State.RUNNING.value, "$expr": {"$gt": ["$lease_until", NOW]}}


def expired(exp_key: str) -> Filter:
    """Match running trials of an experiment whose lease has expired."""
    is_over = {"$expr": {"$lt": ["$lease_until", NOW]}}
    return {"exp_key": exp_key, "state": State.RUNNING.value, **is_over, **KNOWN_LAYOUT}


def too_long(exp_key: str) -> Filter:
    """Match running trials of an experiment whose lease ends later than its own length from now."""
    return {"exp_key": exp_key, **any_too_long(), **KNOWN_LAYOUT}


def any_too_long() -> Filter:
    """Match running trials of any experiment whose lease ends later than its own length from now."""
    is_later = {"$gt": ["$lease_until", from_now(lease_length("$lease_s"))]}
    return {"state": State.RUNNING.value, "$expr": is_later}


def same_id_or_number(trials: Sequence[Trial]) -> Filter:
    """Match documents with the identifier or the number of one of the trials."""
    ids, exp_keys = [trial.id for trial in trials], sorted({trial.exp_key for trial in trials})
    numbers = {"exp_key": {"$in": exp_keys}, "tid": {"$in": [trial.tid for trial in trials]}}
    return {"$or": [{"_id": {"$in": ids}}, numbers]}


def known_layout(exp_key: str, states: Iterable[State]) -> Filter:
    """Match trials that this version of hpsearch can read.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    states : iterable of State
        Only trials in one of these.
    """
    return {**of(exp_key, states), **KNOWN_LAYOUT}


def not_final(trial_id: str) -> Filter:
    """Match a trial unless it is final."""
    return {"_id": trial_id, "state": {"$in": _HELD}}


def settled(exp_key: str, tids: Sequence[int]) -> Filter:
    """Match trials that are neither pending nor running, even if their state is corrupt.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    tids : sequence of int
        Only trials with these numbers.
    """
    return {"exp_key": exp_key, "tid": {"$in": list(tids)}, "state": {"$nin": _HELD}}


def finished_and_marked(exp_key: str, tids: Sequence[int], *, is_marked: bool) -> Filter:
    """Match finished trials by number that have the mark of an invalid one, or that lack it.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    tids : sequence of int
        Numbers of the trials.
    is_marked : bool
        Whether they have the mark.
    """
    mark = _INVALID if is_marked else {"invalid": None}
    return {"exp_key": exp_key, "tid": {"$in": list(tids)}, "state": {"$in": _FINISHED}, **mark}


def invalid(exp_key: str) -> Filter:
    """Match the trials of an experiment that were marked as invalid."""
    return {"exp_key": exp_key, "state": {"$in": _FINISHED}, **_INVALID}


def with_loss(exp_key: str) -> Filter:
    """Match done trials that count and have a loss; the bound keeps the sort from visiting others."""
    return {"exp_key": exp_key, **_WITH_LOSS}


def after(last: Mapping[str, Any], sort: str) -> Filter:
    """Match the trials that follow another, so that a long read can continue after an interruption.

    Parameters
    ----------
    last : mapping
        Document of the last trial read, with the fields of the order.
    sort : str
        A key of ``ORDERS``.
    """
    tid, loss = last.get("tid"), last.get("loss")
    match sort:
        case "tid":
            return {"tid": {"$gt": tid}}
        case "newest":
            return {"tid": {"$lt": tid}}
    return {"$or": [{"loss": {"$gt": loss}}, {"loss": loss, "tid": {"$gt": tid}}]}


#: Orders in which trials can be read; an index supports each.
ORDERS: Mapping[str, list[tuple[str, int]]] = {
    "tid": [("tid", 1)],
    "newest": [("tid", -1)],
    "loss": [("loss", 1), ("tid", 1)],
}

#: The order in which trials are claimed.
QUEUE_ORDER = [("priority", -1), ("tid", 1)]


# Updates


def claim(token: str, holder: Mapping[str, Any]) -> Pipeline:
    """Move a pending trial to running, and drop the reports after its checkpoint.

    Parameters
    ----------
    token : str
        Of the claim.
    holder : mapping
        Document of the worker, as ``holder_document`` returns it.
    """
    fields = {
        "state": State.RUNNING.value,
        "owner": {"$literal": token},
        "worker": {"$literal": holder},
        "attempt": {"$add": ["$attempt", 1]},
        "claimed_at": NOW,
        "heartbeat_at": NOW,
        "lease_until": from_now("$lease_s"),
        "reports": _to_checkpoint("reports"),
        "rungs": _to_checkpoint("rungs"),
        "verdict": UNSET,
        "reports_last": UNSET,
    }
    return [{"$set": fields}]


def renew() -> Pipeline:
    """Extend the lease; an expired trial that no one claimed runs again."""
    fields = {"state": State.RUNNING.value, "heartbeat_at": NOW, "lease_until": from_now("$lease_s")}
    return [{"$set": fields}]


def report(
    documents: Sequence[Mapping[str, Any]],
    batch: str,
    rungs: Sequence[Mapping[str, Any]] = (),
    verdict: Mapping[str, Any] | None = None,
) -> Pipeline:
    """Append reports with the server's time, unless the same call was applied before.

    Parameters
    ----------
    documents : sequence of mapping
        The reports.
    batch : str
        Random identifier of the call.
    rungs : sequence of mapping
        All rungs that the trial has reached, if they are known.
    verdict : mapping, optional
        The last decision of the pruner.
    """
    new = [{"$mergeObjects": [{"$literal": document}, {"at": NOW}]} for document in documents]
    old = {"$ifNull": ["$reports", EMPTY]}
    is_repeat = {"$eq": ["$reports_last", {"$literal": batch}]}
    reports = {"$cond": [is_repeat, old, {"$concatArrays": [old, new]}]}
    fields = {"reports": reports, "reports_last": {"$literal": batch}}
    if rungs:
        fields["rungs"] = {"$literal": list(rungs)}
    if verdict is not None:
        fields["verdict"] = {"$literal": verdict}
    return [{"$set": fields}]


def point_at(checkpoint: Mapping[str, Any]) -> Pipeline:
    """Let a trial point at a new checkpoint.

    Parameters
    ----------
    checkpoint : mapping
        As ``checkpoint_document`` returns it.
    """
    is_no_further = {"$gte": ["$checkpoint.step", checkpoint["step"]]}  # false without a checkpoint
    attempt = {"$cond": [is_no_further, "$checkpoint.attempt", "$attempt"]}
    new = {"$mergeObjects": [{"$literal": checkpoint}, {"attempt": attempt, "at": NOW}]}
    return [{"$set": {"checkpoint": new}}]


def finish(outcome: Mapping[str, Any]) -> Pipeline:
    """Move a trial to done or failed, unless it already is."""
    final = _without_lease([WHOLE, {"$literal": outcome}, {"finished_at": NOW}])
    return [{"$replaceWith": {"$cond": [{"$in": ["$state", _FINISHED]}, WHOLE, final]}}]


def release(trial: Trial, why: str) -> Pipeline:
    """Return a trial to pending without its token, unless it was released before.

    Parameters
    ----------
    trial : Trial
        As it was claimed.
    why : str
        The reason, for the history.
    """
    entry = _history_entry({"$literal": why})
    released = _without_lease([WHOLE, {"state": State.PENDING.value, "owner": None, "history": entry}])
    is_held = {
        "$and": [
            {"$eq": ["$owner", {"$literal": trial.owner}]},
            {"$eq": ["$attempt", trial.attempt]},
            {"$in": ["$state", _HELD]},
        ]
    }
    return [{"$replaceWith": {"$cond": [is_held, released, WHOLE]}}]


def unclaim() -> Pipeline:
    """Return a trial to pending as if it had never been claimed; only ``attempt`` stays increased."""
    of_claim = ["worker", "claimed_at", "heartbeat_at", "lease_until"]
    return [{"$set": {"state": State.PENDING.value, "owner": None}}, {"$unset": of_claim}]


def expire() -> Pipeline:
    """Return a trial to pending, or move it to failed when ``max_attempts`` leases have expired.

    Only the lost attempts in the history count, not those that draining workers released, and only those
    since the one that came as far as the checkpoint.
    """
    since = {"$ifNull": ["$checkpoint.attempt", 0]}
    was_lost = {
        "$filter": {
            "input": {"$ifNull": ["$history", EMPTY]},
            "cond": {"$and": [{"$eq": ["$$this.why", LEASE_EXPIRED]}, {"$gt": ["$$this.attempt", since]}]},
        }
    }
    n_lost = {"$add": [{"$size": was_lost}, {"$cond": [{"$gt": ["$attempt", since]}, 1, 0]}]}
    is_last = {"$gte": [n_lost, "$max_attempts"]}
    message = {
        "$concat": [
            "The worker did not renew its lease in time, in ",
            {"$toString": n_lost},
            " of at most ",
            {"$toString": "$max_attempts"},
            " attempts.",
        ]
    }
    fields = {
        "state": {"$cond": [is_last, State.FAILED.value, State.PENDING.value]},
        "error": {"$cond": [is_last, {"kind": FailureKind.LOST.value, "message": message}, UNSET]},
        "finished_at": {"$cond": [is_last, NOW, UNSET]},
        "owner": {"$cond": [is_last, None, "$owner"]},
        "history": _history_entry(LEASE_EXPIRED),
        "lease_until": UNSET,
    }
    return [{"$set": fields}]


def shorten() -> Pipeline:
    """End the lease its own length from now; the holder keeps the trial."""
    return [{"$set": {"lease_until": from_now("$lease_s")}}]


def fail_unreadable(message: str) -> Pipeline:
    """Move a trial to failed, whatever its document contains."""
    fields = {
        "state": State.FAILED.value,
        "error": {"$literal": {"kind": FailureKind.UNREADABLE.value, "message": message}},
        "finished_at": NOW,
        "lease_until": UNSET,
    }
    return [{"$set": fields}]


def cancel() -> Pipeline:
    """Move a trial to cancelled; the token stays, so that a renewal informs the holder."""
    fields = {"state": State.CANCELLED.value, "finished_at": NOW, "lease_until": UNSET}
    return [{"$set": fields}]


def mark_invalid(why: str) -> Pipeline:
    """Mark a finished trial as invalid."""
    return [{"$set": {"invalid": {"at": NOW, "why": {"$literal": why}}}}]


def unmark() -> Pipeline:
    """Remove the mark of an invalid trial."""
    return [{"$unset": "invalid"}]


def annotate(note: str | None, add: Sequence[str], remove: Sequence[str]) -> Pipeline:
    """Change the note and the tags of a trial or an experiment.

    Parameters
    ----------
    note : str or None
        The new note; None keeps the present one, an empty text removes it.
    add, remove : sequence of str
        Tags.
    """
    kept = {"$setDifference": [{"$ifNull": ["$tags", []]}, {"$literal": [*remove]}]}
    tags = {"$setUnion": [kept, {"$literal": [*add]}]}
    stages: Pipeline = [{"$set": {"tags": tags}}] if add or remove else []
    if note:
        stages.append({"$set": {"note": {"$literal": note}}})
    elif note is not None:
        stages.append({"$unset": "note"})
    return stages


def counts(exp_key: str, states: Iterable[State] | None, trials: str) -> Pipeline:
    """Count trials by state; invalid ones count negatively, so that the sum has only the others.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    states : iterable of State or None
        Count only these, without documents of a newer layout; None counts all, by the index "queue" alone.
    trials : str
        Name of the collection of trials.
    """
    wanted = of(exp_key) if states is None else known_layout(exp_key, states)
    counted: Pipeline = [{"$match": wanted}, {"$group": {"_id": "$state", "n": {"$sum": 1}}}]
    if states is not None and FINISHED.isdisjoint(states):
        return counted
    left_out = {**invalid(exp_key), **({} if states is None else {"state": wanted["state"]})}
    subtracted: Pipeline = [{"$match": left_out}, {"$group": {"_id": "$state", "n": {"$sum": -1}}}]
    return [*counted, {"$unionWith": {"coll": trials, "pipeline": subtracted}}]


def summaries(exp_keys: Sequence[str], trials: str, fields: Sequence[str], n_recent: int) -> Pipeline:
    """Summarize the trials of experiments: counts by state, the best trial, and the latest finishing times.

    Each part is a lookup in one index of the trials for one experiment, so that the answer comes in batches.

    Parameters
    ----------
    exp_keys : sequence of str
        Names of the experiments.
    trials : str
        Name of the collection of trials.
    fields : sequence of str
        Fields of the best trial.
    n_recent : int
        How many trials, those with the highest numbers, to search for finishing times.
    """
    by_state: Pipeline = [{"$group": {"_id": "$state", "n": {"$sum": 1}}}]
    left_out: Pipeline = [
        {"$match": {"state": {"$in": _FINISHED}, **_INVALID}},
        {"$group": {"_id": "$state", "n": {"$sum": -1}}},
    ]
    best: Pipeline = [
        {"$match": _WITH_LOSS},
        {"$sort": dict(ORDERS["loss"])},
        {"$limit": 1},
        {"$project": dict.fromkeys(fields, 1)},
    ]
    recent: Pipeline = [
        {"$sort": dict(ORDERS["newest"])},
        {"$limit": n_recent},
        {"$match": {"state": {"$in": _FINISHED}, "finished_at": {"$type": "date"}}},
        {
            "$group": {
                "_id": None,
                "n": {"$sum": 1},
                "since": {"$min": "$finished_at"},
                "until": {"$max": "$finished_at"},
            }
        },
    ]
    of_each = {"from": trials, "localField": "_id", "foreignField": "exp_key"}
    return [
        {"$match": {"_id": {"$in": list(exp_keys)}}},
        {"$project": {"_id": 1}},
        {"$lookup": {**of_each, "pipeline": by_state, "as": "counts"}},
        {"$lookup": {**of_each, "pipeline": left_out, "as": "invalid"}},
        {"$lookup": {**of_each, "pipeline": best, "as": "best"}},
        {"$lookup": {**of_each, "pipeline": recent, "as": "recent"}},
    ]


# Parts of updates


def lease_length(field: str, default: float = LONGEST_LEASE_S) -> dict[str, Any]:
    """Return an expression for the length of a lease.

    Parameters
    ----------
    field : str
        Path of the length in the document, with a dollar.
    default : float
        Seconds where that field is missing or not a valid length.
    """
    # Values that are not numbers sort below 0 or above every bound.
    is_length = {"$and": [{"$gte": [field, 0]}, {"$lte": [field, LONGEST_LEASE_S]}]}
    return {"$cond": [is_length, field, default]}


def from_now(seconds: float | str | dict[str, Any]) -> dict[str, Any]:
    """Return an expression for the server's time plus some seconds; text names a field."""
    amount = {"$toLong": {"$multiply": [seconds, 1000]}}
    return {"$dateAdd": {"startDate": NOW, "unit": "millisecond", "amount": amount}}


def _without_lease(parts: list[Any]) -> dict[str, Any]:
    """Return an expression that merges documents and removes the lease."""
    return {"$unsetField": {"field": "lease_until", "input": {"$mergeObjects": parts}}}


def _to_checkpoint(field: str) -> dict[str, Any]:
    """Return an expression for the reports or rungs up to the checkpoint; none without one."""
    has_both = {"$and": [{"$isNumber": "$checkpoint.step"}, {"$isArray": f"${field}"}]}
    is_kept = {"$lte": ["$$this.step", "$checkpoint.step"]}
    return {"$cond": [has_both, {"$filter": {"input": f"${field}", "cond": is_kept}}, UNSET]}


def _history_entry(why: Any) -> dict[str, Any]:
    """Return an expression for the history with an entry for the current attempt."""
    entry = {
        "attempt": "$attempt",
        "worker": {"$ifNull": ["$worker.name", None]},
        "ended_at": NOW,
        "why": why,
        "step": "$checkpoint.step",  # left out where it is missing
    }
    return {"$concatArrays": [{"$ifNull": ["$history", EMPTY]}, [entry]]}
