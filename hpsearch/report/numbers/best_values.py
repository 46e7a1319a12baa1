"""Where the best trials are: the best range of each parameter, and the best loss of each option."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats, History
from hpsearch.space.distribution import Categorical
from hpsearch.space.parameters import Parameter
from hpsearch.space.tree import Space

#: Share of the trials that count as the best, and their least number.
_SHARE, _MIN_BEST = 0.1, 5
#: Trials with a loss below which no range is shown.
_MIN_TRIALS = 10
#: Ends of a range, as quantiles of the best trials.
_LOW, _HIGH = 0.1, 0.9
#: An option is listed if at least this share of the best trials has it.
_MIN_OPTION = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BestRange:
    """The values of a number in the best trials."""

    low: float  #: 10 % of the best trials have less
    high: float  #: 10 % have more
    n: int  #: of the best trials, those with the parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class BestOptions:
    """The options of a choice in the best trials, the most frequent first."""

    names: tuple[str, ...]
    shares: tuple[float, ...]  #: of the best trials with the choice; rare options are left out
    n: int  #: of the best trials, those with the choice


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionResult:
    """What the trials with one option reached."""

    label: str  #: the choice
    option: str  #: name of the option
    n: int  #: finished trials
    n_failed: int  #: without a loss, or with an infinite one
    best: float | None  #: lowest loss
    median: float | None  #: of the losses


def best_values(history: History) -> dict[str, BestRange | BestOptions]:
    """Return where each parameter lies in the best tenth of the trials, at least five.

    Parameters
    ----------
    history : History
        Finished trials.

    Returns
    -------
    dict
        By label; without parameters that fewer than two of the best trials have, and empty with fewer than
        ten losses.
    """
    usable = np.flatnonzero(np.isfinite(history.losses))
    if len(usable) < _MIN_TRIALS:
        return {}
    n_best = max(_MIN_BEST, math.ceil(_SHARE * len(usable)))
    rows = usable[np.argsort(history.losses[usable], kind="stable")[:n_best]]
    found: dict[str, BestRange | BestOptions] = {}
    for j, parameter in enumerate(history.space.parameters):
        values = history.values[rows[history.active[rows, j]], j]
        if len(values) >= 2:
            found[parameter.label] = _best(history.space, parameter, values)
    return found


def _best(space: Space, parameter: Parameter, values: Floats) -> BestRange | BestOptions:
    if isinstance(parameter.distribution, Categorical):
        names = space.option_names(parameter.label)
        shares = np.bincount(values.astype(np.intp), minlength=len(names)) / len(values)
        order = [i for i in np.argsort(-shares, kind="stable").tolist() if shares[i] >= _MIN_OPTION]
        return BestOptions(
            names=tuple(names[i] for i in order),
            shares=tuple(float(shares[i]) for i in order),
            n=len(values),
        )
    # A value that occurs, so that it is an integer where the values are.
    low, high = np.quantile(values, [_LOW, _HIGH], method="nearest")
    return BestRange(low=float(low), high=float(high), n=len(values))


def option_results(history: History) -> list[OptionResult]:
    """Return what each option of each choice reached, the best of a choice first.

    Parameters
    ----------
    history : History
        Finished trials.
    """
    found = []
    for j, parameter in enumerate(history.space.parameters):
        if not isinstance(parameter.distribution, Categorical):
            continue
        rows = np.flatnonzero(history.active[:, j])
        options = history.values[rows, j].astype(np.intp)
        names = history.space.option_names(parameter.label)
        results = [
            _result(parameter.label, names[i], history.losses[rows[options == i]])
            for i, probability in enumerate(parameter.distribution.probabilities)
            if probability > 0
        ]
        found += sorted(results, key=lambda r: (r.best is None, r.best or 0.0))
    return found


def _result(label: str, option: str, losses: NDArray[np.float64]) -> OptionResult:
    usable = losses[losses < np.inf]
    return OptionResult(
        label=label,
        option=option,
        n=len(losses),
        n_failed=len(losses) - len(usable),
        best=float(usable.min()) if len(usable) else None,
        median=float(np.median(usable)) if len(usable) else None,
    )
