"""Compares the logs of the objective and the workers with the database.

The check does not rely on the code under test: calls are known from the lines
that the objective wrote, acknowledgements from the output of workers, and documents are read
by a separate client.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tests.faults.evidence import Call, Evidence, Priority, Search
from tests.support.supervisor import End

_FINAL = {"done", "failed", "pruned", "cancelled"}
_LOST = "lease expired"

#: How each kind of objective may fail: regularly, or since its process was killed or frozen.
_KINDS = {
    "raise": {"exception"},
    "segfault": {"signal"},
    "exit": {"exit"},
    "hang": set[str](),
    "eat": {"exception"},
    "good": set[str](),
}
_KINDS_BY_FAULTS = {"signal", "timeout", "lost"}

#: Exit code of a process that does not find MongoDB when it starts, and the seconds within which it leaves.
_UNREACHABLE, _STARTING_S = 69, 90.0
_KILLED = -9

#: Exit code of a process that MongoDB refuses when it starts, and the seconds until it reads its password.
_REFUSED, _LOADING_S = 77, 10.0

#: Seconds from a worker's check of a search's state to the first line of the objective.
_ON_THE_WAY_S = 2.0

#: Seconds within which a trial runs again in any case; a fraction of the clock steps.
_RUNS_AGAIN_S = 150.0

#: Tolerance of a share: a factor, and a number of trials.
_OFF_SHARE, _OFF_TRIALS = 2.0, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A broken promise."""

    promise: str
    trial: str | None  #: name of the trial, if it is about one
    text: str  #: one sentence


def broken_promises(evidence: Evidence) -> list[Broken]:
    """Return every promise that is broken by the evidence."""
    about_trials = (
        _final_states, _frozen, _acknowledged, _paid_for, _attempts, _holders, _overlaps, _resumes,
        _pauses, _deaths,
    )  # fmt: skip
    about_all = (_counts, _signals, _ends, _shares, _left_behind, _logs)
    return [broken for check in (*about_trials, *about_all) for broken in check(evidence)]


def _counts(evidence: Evidence) -> Iterator[Broken]:
    """As many trials finish as were asked for, numbered without gaps, and the search says that it is done."""
    for search in evidence.searches:
        n = sum(trial["state"] in {"done", "failed", "pruned"} for trial in search.trials)
        if n != search.max_evals:
            yield _count(search, f"{n} trials finished instead of {search.max_evals}")
        tids = [trial["tid"] for trial in search.trials]
        if tids != list(range(len(tids))):
            yield _count(search, "the numbers of the trials have gaps or repeat")
        end = search.experiment.get("state"), search.experiment.get("ended_why")
        if end != ("done", "max_evals"):
            yield _count(search, f"the search ended as {end}")


def _count(search: Search, text: str) -> Broken:
    return Broken(promise="the count is exact", trial=None, text=f"{search.exp_key}: {text}")


def _final_states(evidence: Evidence) -> Iterator[Broken]:
    """Every trial ends in one final state."""
    for trial in _trials(evidence).values():
        if trial["state"] not in _FINAL:
            yield _about(trial, "every trial ends", f"it is {trial['state']} in the end")
        elif (trial["state"] == "pruned") != ("pruned" in trial):
            yield _about(trial, "every trial ends", "its state and the reason of a pruner disagree")
        elif (trial["state"] == "done") != ("loss" in trial):
            yield _about(trial, "every trial ends", f"it is {trial['state']}, but its loss says otherwise")


def _frozen(evidence: Evidence) -> Iterator[Broken]:
    """A finished trial never changes."""
    trials = _trials(evidence)
    for name, first in evidence.first_seen.items():
        now = trials.get(name)
        if now != first:
            changed = sorted(key for key in {*first, *(now or {})} if first.get(key) != (now or {}).get(key))
            text = "it is gone" if now is None else f"{', '.join(changed)} changed after it was finished"
            yield Broken(promise="finished means frozen", trial=name, text=text)


def _acknowledged(evidence: Evidence) -> Iterator[Broken]:
    """Every acknowledged result is stored, once and as the worker wrote it."""
    promise, trials = "what was acknowledged is there", _trials(evidence)
    for ack in evidence.acknowledged:
        trial = trials.get(ack.trial)
        if trial is None:
            yield Broken(
                promise=promise, trial=ack.trial, text=f"{ack.worker} finished it, and it is missing"
            )
        elif trial.get("worker", {}).get("name") != ack.worker:
            other = trial.get("worker", {}).get("name")
            yield _about(trial, promise, f"{ack.worker} finished it, but it holds a result of {other}")
        elif (ack.loss is None) != ("loss" not in trial):
            yield _about(trial, promise, f"{ack.worker} finished it with {ack.loss}, but not so")
        elif ack.loss is not None and not math.isclose(ack.loss, trial["loss"], rel_tol=1e-5, abs_tol=1e-12):
            yield _about(trial, promise, f"{ack.worker} finished it with {ack.loss}, not {trial['loss']}")
        elif ack.kind is not None and ack.kind != trial["error"]["kind"]:
            yield _about(trial, promise, f"it failed as {ack.kind}, not as {trial['error']['kind']}")
    for name, n in Counter(ack.trial for ack in evidence.acknowledged).items():
        if n > 1:
            yield Broken(promise="no result is doubled", trial=name, text=f"{n} results were acknowledged")


def _paid_for(evidence: Evidence) -> Iterator[Broken]:
    """A loss is the one that the call of the attempt returned; a failure is one of the objective's kind."""
    promise = "results are those of the calls"
    calls = {(call.trial, call.attempt): call for call in evidence.calls}
    for name, trial in _trials(evidence).items():
        call = calls.get((name, trial["attempt"]))
        if trial["state"] == "done" and (call is None or call.loss != trial["loss"]):
            got = "no call returned" if call is None else f"the call returned {call.loss}"
            yield _about(trial, promise, f"its loss is {trial['loss']}, but {got}")
        if trial["state"] != "failed":
            continue
        kind = trial["error"]["kind"]
        if kind not in _KINDS_BY_FAULTS | (_KINDS[call.temper] if call else set()):
            yield _about(trial, promise, f"it failed as {kind}, which nothing explains")


def _signals(evidence: Evidence) -> Iterator[Broken]:
    """No more evaluations end by a signal than were killed or crash."""
    crashing = {call.trial for call in evidence.calls if call.temper == "segfault"}
    ended = [
        name
        for name, trial in _trials(evidence).items()
        if trial.get("error", {}).get("kind") == "signal" and name not in crashing
    ]
    if len(ended) > evidence.n_children_killed:
        text = f"{len(ended)} ended by a signal, and {evidence.n_children_killed} were killed: {ended}"
        yield Broken(promise="results are those of the calls", trial=None, text=text)


def _attempts(evidence: Evidence) -> Iterator[Broken]:
    """No trial loses more workers than it may, and every attempt is on record.

    A claim that is undone before its call, since the search was paused, leaves none.
    """
    promise = "re-runs stay within the attempts allowed"
    n_calls = Counter((call.trial, call.attempt) for call in evidence.calls)
    allowed = {search.exp_key: search.max_attempts for search in evidence.searches}
    paused = {pause.exp_key for pause in evidence.pauses}
    for name, trial in _trials(evidence).items():
        history = trial.get("history", [])
        # Only since the attempt that came furthest, by its checkpoint.
        since = trial.get("checkpoint", {}).get("attempt", 0)
        n_lost = sum(entry["why"] == _LOST and entry["attempt"] > since for entry in history)
        is_lost = trial["state"] == "failed" and trial["error"]["kind"] == "lost"
        most = allowed[trial["exp_key"]] - (not is_lost)
        if n_lost > most or (is_lost and n_lost < most):
            yield _about(trial, promise, f"it lost {n_lost} workers and is {trial['state']}")
        unexplained = set(range(1, trial["attempt"])) - {entry["attempt"] for entry in history}
        if trial["exp_key"] in paused:
            unexplained = {attempt for attempt in unexplained if n_calls[name, attempt]}
        if unexplained:
            yield _about(trial, promise, f"attempts {sorted(unexplained)} ended, without a reason")
        for attempt in (a for t, a in n_calls if t == name and a > trial["attempt"]):
            yield _about(trial, promise, f"it was called under attempt {attempt} of {trial['attempt']}")
    for (name, attempt), n in n_calls.items():
        if n > 1:
            yield Broken(
                promise=promise, trial=name, text=f"attempt {attempt} called the objective {n} times"
            )


def _holders(evidence: Evidence) -> Iterator[Broken]:
    """A token is one worker's, for one attempt at one trial, and an attempt has one token.

    A claim that is repeated with its token for longer than a lease, without a response, gets another
    trial when the first has expired meanwhile.
    """
    trials = _trials(evidence)
    promise = "one holder for each token"
    by_token: defaultdict[str, set[tuple[str, int, str]]] = defaultdict(set)
    by_attempt: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for name, attempt, token, worker in evidence.holds:
        by_token[token].add((name, attempt, worker))
        by_attempt[name, attempt].add(token)
    for held in by_token.values():
        kept = [(name, attempt) for name, attempt, _ in held if not _was_lost(trials.get(name), attempt)]
        if len(kept) > 1 or len({worker for *_, worker in held}) > 1:
            text = "one token was seen with " + " and ".join(f"{w} ({n}#{a})" for n, a, w in sorted(held))
            yield Broken(promise=promise, trial=min(held)[0], text=text)
    for (name, attempt), tokens in by_attempt.items():
        if len(tokens) > 1:
            yield Broken(promise=promise, trial=name, text=f"attempt {attempt} had {len(tokens)} tokens")


def _overlaps(evidence: Evidence) -> Iterator[Broken]:
    """Two calls of a trial run at the same time only when the earlier one had lost its lease."""
    trials = _trials(evidence)
    by_trial: defaultdict[str, list[Call]] = defaultdict(list)
    for call in evidence.calls:
        by_trial[call.trial].append(call)
    for name, calls in by_trial.items():
        calls.sort(key=lambda call: call.attempt)
        for earlier, later in combinations(calls, 2):
            # A call that never returned may have been killed at any time.
            end = earlier.began_at if earlier.ended_at is None else earlier.ended_at
            if later.began_at < end and not _was_lost(trials.get(name), earlier.attempt):
                text = f"attempts {earlier.attempt} and {later.attempt} ran at the same time"
                yield Broken(promise="no two calls overlap", trial=name, text=text)


def _resumes(evidence: Evidence) -> Iterator[Broken]:
    """An attempt goes on no earlier than at the last checkpoint that was stored, and its steps add up."""
    promise = "a trial goes on at its last checkpoint"
    trials = _trials(evidence)
    by_trial: defaultdict[str, list[Call]] = defaultdict(list)
    for call in evidence.calls:
        by_trial[call.trial].append(call)
    for name, calls in by_trial.items():
        stored = 0
        for call in sorted(calls, key=lambda call: call.attempt):
            if call.start is not None and call.start < stored:
                text = f"attempt {call.attempt} began at step {call.start}, although step {stored} was stored"
                yield Broken(promise=promise, trial=name, text=text)
            stored = max(stored, call.saved)
        trial = trials.get(name)
        if trial is None or trial["state"] != "done":
            continue
        if not math.isclose(trial["loss"], trial["values"]["x"] ** 2, rel_tol=1e-9, abs_tol=1e-12):
            yield _about(trial, promise, f"its steps add up to {trial['loss']}")
        steps = [report["step"] for report in trial.get("reports", [])]
        if len(set(steps)) < len(steps):
            yield _about(trial, promise, f"it reported steps twice: {steps}")


def _ends(evidence: Evidence) -> Iterator[Broken]:
    """A process ends because it was killed, or regularly, or at once without MongoDB."""
    for end in evidence.ends:
        if not (_is_expected(end) or _was_refused_at_start(end, evidence)):
            text = f"{end.name} ended with code {end.code} after {end.lived_s:.0f} s: {end.tail}"
            yield Broken(promise="processes leave in good order", trial=None, text=text)


def _was_refused_at_start(end: End, evidence: Evidence) -> bool:
    """Whether a process was refused at its start because its store file had an old password.

    It may have been frozen, or have waited for the servers, since it read the file.
    """
    lived_meanwhile = any(
        end.at > r.since and end.at - end.lived_s < r.until + _LOADING_S for r in evidence.rotations
    )
    was_at_work = any(call.worker == end.pid for call in evidence.calls)
    return end.code == _REFUSED and lived_meanwhile and not was_at_work and end.lived_s < _STARTING_S


def _is_expected(end: End) -> bool:
    if end.code == 0 or end.was_excused or (end.was_killed and end.code == _KILLED):
        return True
    return end.code == _UNREACHABLE and end.lived_s < _STARTING_S


def _pauses(evidence: Evidence) -> Iterator[Broken]:
    """No trial of a paused search begins.

    A worker reads the state after a claim; on a slow network, the response may be old.
    """
    for pause in evidence.pauses:
        for call in evidence.calls:
            is_late = pause.since + _ON_THE_WAY_S < call.began_at < pause.until
            if call.exp_key == pause.exp_key and is_late and call.worker not in evidence.far_workers:
                text = f"attempt {call.attempt} began {call.began_at - pause.since:.1f} s after the pause"
                yield Broken(promise="nothing begins while paused", trial=call.trial, text=text)


def _deaths(evidence: Evidence) -> Iterator[Broken]:
    """A dead worker's trial runs again though its lease is a date of a clock that was set.

    While MongoDB is away, no trial can begin.
    """
    trials = _trials(evidence)
    for death in evidence.deaths:
        trial = trials[death.trial]
        later = [c for c in evidence.calls if c.trial == death.trial and c.attempt > death.attempt]
        was_finished = trial["attempt"] == death.attempt or (not later and trial["state"] in _FINAL)
        again_at = min((call.began_at for call in later), default=math.inf)
        after_s = again_at - death.at - _away_s(evidence, death.at, again_at)
        if not was_finished and after_s > _RUNS_AGAIN_S:
            text = f"it ran again {after_s:.0f} s after its worker was killed and the clock set"
            yield _about(trial, "no lease outlasts its length", text)


def _away_s(evidence: Evidence, since: float, until: float) -> float:
    """Return for how many seconds between two times MongoDB was away."""
    return sum(max(min(o.until, until) - max(o.since, since), 0.0) for o in evidence.outages)


def _shares(evidence: Evidence) -> Iterator[Broken]:
    """Each of the searches that share the workers gets about the share of its priority.

    Counted from when all have begun until the first has had all its trials; meanwhile coordinators were
    killed and frozen, without whom a search has nothing to offer.
    """
    for crowd in evidence.crowds:
        calls = sorted(
            (call for call in evidence.calls if call.exp_key in crowd), key=lambda call: call.began_at
        )
        begun = {key: [c.began_at for c in calls if c.exp_key == key] for key in crowd}
        if not all(begun.values()):
            continue  # which the exact count reports
        since = max(times[0] for times in begun.values())
        until = min(times[-1] for times in begun.values())
        due, got = dict.fromkeys(crowd, 0.0), Counter[str]()
        for call in calls:
            if since <= call.began_at <= until:
                got[call.exp_key] += 1
                priorities = _priorities(evidence.priorities, crowd, call.began_at)
                for key, priority in priorities.items():
                    due[key] += priority / sum(priorities.values())
        for key in crowd:
            if not due[key] / _OFF_SHARE - _OFF_TRIALS <= got[key] <= due[key] * _OFF_SHARE + _OFF_TRIALS:
                text = f"{key} began {got[key]} of {got.total()} trials, and was due {due[key]:.1f}"
                yield Broken(promise="shares follow priorities", trial=None, text=text)


def _priorities(changes: Sequence[Priority], crowd: Sequence[str], at: float) -> dict[str, int]:
    """Return the priority of each search at a time."""
    return {c.exp_key: c.priority for c in changes if c.exp_key in crowd and c.at <= at}


def _left_behind(evidence: Evidence) -> Iterator[Broken]:
    """An ended process leaves nothing behind."""
    for thing in evidence.left_behind:
        yield Broken(promise="nothing is left behind", trial=None, text=thing)


def _logs(evidence: Evidence) -> Iterator[Broken]:
    """No process prints a traceback, and no worker refuses a search."""
    for name, log in evidence.logs.items():
        if " not serving " in log:
            text = f"{name} refuses{log.partition(' not serving')[2][:300]!r}"
            yield Broken(promise="workers go on with every search", trial=None, text=text)
        if "Traceback (most recent call last)" in log:
            text = f"{name} printed one: {log.partition('Traceback')[2][-300:]!r}"
            yield Broken(promise="no tracebacks", trial=None, text=text)


def _was_lost(trial: Mapping[str, Any] | None, attempt: int) -> bool:
    """Whether the lease of an attempt ran out."""
    history = [] if trial is None else trial.get("history", [])
    return any(entry["attempt"] == attempt and entry["why"] == _LOST for entry in history)


def _trials(evidence: Evidence) -> dict[str, Mapping[str, Any]]:
    return {trial["_id"]: trial for search in evidence.searches for trial in search.trials}


def _about(trial: Mapping[str, Any], promise: str, text: str) -> Broken:
    return Broken(promise=promise, trial=trial["_id"], text=text)
