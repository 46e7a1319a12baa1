"""The reports of a trial as values at rungs.

Trials report at steps of their own choice. Rungs are fixed steps, the same for all trials and searches, at
which trials are compared: 1, 2, 3, 5, 9, 16, 27, 47, 81, ... Every second one is a power of 3, as
successive halving needs them. A rung has a number, which is 0 for step 1 and negative below it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Ratio of the steps of neighbouring rungs.
RATIO = math.sqrt(3)
#: Rungs at which values are kept, the last exclusive: steps from a millionth to three billion.
FIRST_RUNG, END_RUNGS = -25, 41
#: A value at a rung is the mean of the reports since the rung's step divided by this number.
_WINDOW = 1.25


@dataclass(frozen=True, slots=True)
class RungValue:
    """The value of a trial at a rung."""

    k: int  #: number of the rung
    step: float  #: step of the rung
    value: float  #: as reported; ``inf`` if a report was not finite


def rung_step(k: int) -> float:
    """Return the step of a rung: ``3^(k/2)``, from 1 on rounded to a whole number."""
    exact = RATIO**k
    return float(round(exact)) if k >= 0 else exact


def rung_below(step: float) -> int:
    """Return the number of the last rung up to a finite step, which is not below the first rung's."""
    if step >= rung_step(END_RUNGS - 1):
        return END_RUNGS - 1
    k = math.floor(math.log(step) / math.log(RATIO)) + 1
    while rung_step(k) > step * (1 + 1e-9):
        k -= 1
    return k


#: Steps below it reach no rung.
_FIRST_STEP = rung_step(FIRST_RUNG)


@dataclass(slots=True)
class Curve:
    """The reports of a trial so far, and the rungs that they have reached.

    Reports at a step that is not above all earlier ones, as those of a second fold, reach no rung.
    """

    reports: list[tuple[float, float]] = field(default_factory=list)  #: steps and values, as reported
    rungs: list[RungValue] = field(default_factory=list)  #: all that were reached, ascending
    reached: tuple[RungValue, ...] = ()  #: those that the last report reached
    _rising: list[tuple[float, float]] = field(default_factory=list)  #: reports at positive, rising steps

    @property
    def last_step(self) -> float | None:
        """The largest step reported; None before the first report."""
        return max((step for step, _ in self.reports if step < math.inf), default=None)

    @property
    def last_value(self) -> float | None:
        """The value of the last report; None before the first one."""
        return self.reports[-1][1] if self.reports else None

    def add(self, step: float, value: float) -> tuple[RungValue, ...]:
        """Add a report, and return the rungs that it reached, ascending.

        A rung whose step was skipped gets an interpolated value. Before the first report, nothing is known,
        so that report reaches one rung only.

        Parameters
        ----------
        step : float
            Position on the objective's axis.
        value : float
            The reported value.
        """
        self.reports.append((step, value))
        self.reached = ()
        last = self._rising[-1] if self._rising else None
        if not _FIRST_STEP <= step < math.inf or (last is not None and step <= last[0]):
            return ()
        self._rising.append((step, value))
        top = rung_below(step)
        first = self.rungs[-1].k + 1 if self.rungs else top if last is None else rung_below(last[0]) + 1
        if not math.isfinite(value):
            top = min(max(first, top), END_RUNGS - 1)  # a diverged trial has no later rung
            self.reached = (RungValue(top, rung_step(top), math.inf),)
        else:
            self.reached = tuple(self._at(k) for k in range(first, top + 1))
        self.rungs += self.reached
        return self.reached

    def _at(self, k: int) -> RungValue:
        """Return the value at a rung which the last report has reached."""
        t = rung_step(k)
        window = []
        before = None
        for step, value in reversed(self._rising):
            if step <= t / _WINDOW:
                before = (step, value)
                break
            if step <= t * (1 + 1e-9):
                window.append(value)
        if window:
            value = math.fsum(v / len(window) for v in window)
        elif before is None:
            value = self._rising[-1][1]
        else:
            value = _interpolated(before, self._rising[-1], t)
        return RungValue(k, t, value if math.isfinite(value) else math.inf)


def curve_of(reports: Iterable[tuple[float, float]]) -> Curve:
    """Return the curve of (step, value) pairs in the order in which they were reported."""
    curve = Curve()
    for step, value in reports:
        curve.add(step, value)
    return curve


def _interpolated(a: tuple[float, float], b: tuple[float, float], step: float) -> float:
    """Interpolate between two reports, linearly in the logarithm of the step."""
    share = math.log(step / a[0]) / math.log(b[0] / a[0])
    return (1 - share) * a[1] + share * b[1]
