"""Counts and durations of trials: how long they take, how fast they finish, what fails where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.report.failures import failure_reason

#: Bins of the rate over time.
_N_BINS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long evaluations took, in seconds."""

    n: int
    median: float
    long: float  #: one in ten took longer
    total: float  #: sum over all trials


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCount:
    """Failed trials of one reason on one host."""

    reason: str  #: type of the exception, signal, or kind of the failure
    host: str | None  #: None if unknown
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCount:
    """The finished trials of one host."""

    host: str
    n: int
    n_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBin:
    """The trials that finished within a span of time."""

    since: datetime
    until: datetime
    n: int
    n_failed: int

    @property
    def per_hour(self) -> float:
        """Finished trials per hour."""
        return 3600 * self.n / max((self.until - self.since).total_seconds(), 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearningCurve:
    """What one trial reported."""

    tid: int
    loss: float | None
    steps: Floats  #: (m,) in order
    values: Floats  #: (m,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts and durations of the finished trials of a search."""

    n_done: int
    n_failed: int
    n_pruned: int
    durations: Durations | None  #: of trials with a loss; None if there is none
    failed_durations: Durations | None  #: of failed trials
    failures: tuple[FailureCount, ...]  #: the most frequent first
    hosts: tuple[HostCount, ...]  #: the busiest first
    rates: tuple[RateBin, ...]  #: bins of equal length from the first to the last end of a trial
    n_retried: int  #: finished trials that needed more than one attempt


def statistics(trials: Iterable[Trial]) -> Statistics:
    """Return counts and durations.

    Parameters
    ----------
    trials : iterable of Trial
        Trials in any state; only finished ones count. They are read once.
    """
    done_s: list[float] = []
    failed_s: list[float] = []
    counts: Counter[State] = Counter()
    failures: Counter[tuple[str, str | None]] = Counter()
    hosts: Counter[tuple[str, bool]] = Counter()
    ends: list[tuple[datetime, bool]] = []
    n_retried = 0
    for trial in trials:
        if trial.state not in FINISHED:
            continue
        is_failed = trial.state is State.FAILED
        counts[trial.state] += 1
        n_retried += trial.attempt > 1
        host = trial.worker.host if trial.worker else None
        if trial.duration_s is not None and trial.state is not State.PRUNED:
            (failed_s if is_failed else done_s).append(trial.duration_s)
        if is_failed:
            failures[failure_reason(trial), host] += 1
        if host is not None:
            hosts[host, is_failed] += 1
        if trial.finished_at is not None:
            ends.append((trial.finished_at, is_failed))
    return Statistics(
        n_done=counts[State.DONE],
        n_failed=counts[State.FAILED],
        n_pruned=counts[State.PRUNED],
        durations=_durations(done_s),
        failed_durations=_durations(failed_s),
        failures=tuple(FailureCount(reason=r, host=h, n=n) for (r, h), n in failures.most_common()),
        hosts=_host_counts(hosts),
        rates=_rates(ends),
        n_retried=n_retried,
    )


def learning_curves(trials: Iterable[Trial], n: int = 20) -> tuple[LearningCurve, ...]:
    """Return the reports of the best trials that reported something, the best first.

    Parameters
    ----------
    trials : iterable of Trial
        Trials in any state; those without a loss come last.
    n : int
        Largest number of curves.
    """
    reporting = sorted(
        (trial for trial in trials if trial.reports),
        key=lambda trial: (trial.loss is None, trial.loss or 0.0, trial.tid),
    )
    found = []
    for trial in reporting[:n]:
        reports = sorted(trial.reports, key=lambda report: report.step)
        found.append(
            LearningCurve(
                tid=trial.tid,
                loss=trial.loss,
                steps=np.array([report.step for report in reports], dtype=np.float64),
                values=np.array([report.value for report in reports], dtype=np.float64),
            )
        )
    return tuple(found)


def _durations(seconds: Sequence[float]) -> Durations | None:
    if not seconds:
        return None
    median, long = np.quantile(seconds, [0.5, 0.9])
    return Durations(n=len(seconds), median=float(median), long=float(long), total=float(sum(seconds)))


def _host_counts(hosts: Counter[tuple[str, bool]]) -> tuple[HostCount, ...]:
    names = {host for host, _ in hosts}
    found = [
        HostCount(host=host, n=hosts[host, False] + hosts[host, True], n_failed=hosts[host, True])
        for host in sorted(names)
    ]
    return tuple(sorted(found, key=lambda count: -count.n))


def _rates(ends: Sequence[tuple[datetime, bool]]) -> tuple[RateBin, ...]:
    """Return bins of equal length from the first to the last end; none if all are at one time."""
    if not ends:
        return ()
    first, last = min(at for at, _ in ends), max(at for at, _ in ends)
    if first == last:
        return ()
    width = (last - first) / _N_BINS
    totals, failed = [0] * _N_BINS, [0] * _N_BINS
    for at, is_failed in ends:
        index = min(int((at - first) / width), _N_BINS - 1)
        totals[index] += 1
        failed[index] += is_failed
    return tuple(
        RateBin(since=first + i * width, until=first + (i + 1) * width, n=totals[i], n_failed=failed[i])
        for i in range(_N_BINS)
    )
