"""The progress of a search, as one value for every view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.core.worker import Worker

if TYPE_CHECKING:
    from hpsearch.coordination.forecast import Forecast
    from hpsearch.core.standing import Front


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A search at one moment."""

    experiment: Experiment
    counts: Mapping[State, int]  #: valid trials in each state
    best: Trial | None  #: the valid, feasible trial with the lowest loss so far; None with several objectives
    workers: tuple[Worker, ...]  #: alive, and serving this experiment
    front: Front | None = None  #: the front of several objectives; None while unknown
    least_violated: Trial | None = None  #: what exceeds its limits least, if no trial keeps them all
    n_invalid: int = 0  #: finished trials that a user marked as invalid; the counts do not include them
    n_starting: int = 0  #: local workers that are starting
    n_left_idle: int = 0  #: workers that joined since the start and left without a result
    last_failure: Trial | None = None  #: the latest failed trial
    per_minute: float | None = None  #: recent rate of finished trials; None while unknown
    forecast: Forecast | None = None  #: what more trials may bring; None while too little is known
    elapsed_s: float = 0.0  #: seconds for which the current run has been led
    is_standby: bool = False  #: another coordinator leads

    @property
    def n_finished(self) -> int:
        """Trials that count towards the budget."""
        return sum(self.counts[state] for state in FINISHED)

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the budget is used up at the present rate; None while unknown."""
        budget = self.experiment.budget
        limits = []
        if budget.max_evals is not None and self.per_minute:
            limits.append(60 * max(0, budget.max_evals - self.n_finished) / self.per_minute)
        if budget.timeout_s is not None:
            limits.append(max(0.0, budget.timeout_s - self.elapsed_s))
        return min(limits, default=None)
