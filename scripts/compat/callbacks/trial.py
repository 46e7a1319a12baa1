"""A trial that records its reports and should stop after some of them; imported by the scripts beside."""

from __future__ import annotations

from dataclasses import dataclass, field

from hpsearch.objective.current_trial import CurrentTrial

#: Reports after which the trial should stop.
STOP_AFTER = 6


@dataclass(slots=True)
class StoppedTrial(CurrentTrial):
    """Should stop after ``STOP_AFTER`` reports."""

    reports: list[tuple[float, float]] = field(default_factory=list)

    def report(self, step: float, value: float) -> None:
        """Record a report."""
        self.reports.append((step, value))

    def should_stop(self) -> bool:
        """Whether there were enough reports."""
        return len(self.reports) >= STOP_AFTER

    def check(self, n_trained: int) -> None:
        """Check that the training ended with the report that asked for it."""
        assert [step for step, _ in self.reports] == list(range(1, STOP_AFTER + 1)), self.reports
        assert n_trained == STOP_AFTER, n_trained
        values = [value for _, value in self.reports]
        assert values[-1] < values[0], values
        print(f"stopped after {n_trained} steps, {values[0]:.3f} -> {values[-1]:.3f}")
