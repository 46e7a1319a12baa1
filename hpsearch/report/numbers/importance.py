"""The importance of parameters, with what is known about it.

``importance`` asks how much of the variance of the losses over the declared space each parameter accounts
for: total effects of the surrogate's mean, with bands from functions drawn from its posterior.
``failure_importance`` asks the same of success and failure, and ``good_trial_importance`` what the best tenth
of the trials have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

import numpy as np

from hpsearch.core.history import Floats, History
from hpsearch.report.numbers.best_values import BestOptions, BestRange, best_values
from hpsearch.report.numbers.good_trials import good_trial_scores
from hpsearch.report.numbers.sensitivity import PointPairs, first_order_effects, point_pairs, total_effects
from hpsearch.report.numbers.surrogate import MAX_FEATURES, MIN_R2, Surrogate, fit_losses, fit_success
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.parameters import Parameter
from hpsearch.space.tree import Space
from hpsearch.suggest.branches import activities
from hpsearch.suggest.gp.encoding import Encoding

#: Trials with a loss below which nothing is said.
MIN_TRIALS = 10
#: Failed trials below which nothing is said about failures.
_MIN_FAILED = 3
#: Pairs of points for the total effects, for their bands, and for interactions.
_N_PAIRS, _N_BAND_PAIRS, _N_JOINT_PAIRS = 2048, 256, 1024
#: Functions drawn for the bands, and the half-width of a 90 % band in standard deviations.
_N_FUNCTIONS, _N_SIGMAS = 24, 1.645
#: About what the finite number of pairs adds to a band.
_SAMPLING_ERROR = 0.01
#: Parameters whose interactions are looked for: the most important.
_N_JOINT = 6
#: Share of the variance from which two parameters are said to interact.
_MIN_INTERACTION = 0.05


class Method(StrEnum):
    """How importance is computed."""

    EFFECTS = "effects"  #: total effects of the surrogate over the declared space
    GOOD_TRIALS = "good-trials"  #: what the best tenth of the trials have in common


class Target(StrEnum):
    """What the importance is of."""

    LOSS = "loss"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterImportance:
    """The importance of one parameter."""

    label: str
    share: float  #: of the sum over all parameters
    band: float | None = None  #: half the width of a 90 % interval of the share
    total: float | None = None  #: share of the variance that needs this parameter
    alone: float | None = None  #: share of the variance that it explains without others
    interacts_with: tuple[str, ...] = ()  #: labels, the strongest first
    best: BestRange | BestOptions | None = None  #: in the best tenth of the trials
    branch: str | None = None  #: the options under which it is active, as ``model=mlp``; None: always


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """The importance of all parameters of a space, or of one branch of it."""

    method: Method
    target: Target
    parameters: tuple[ParameterImportance, ...]  #: the most important first; empty if not enough is known
    n_trials: int  #: trials with what the importance is of
    n_used: int  #: trials that the numbers come from
    r2: float | None = None  #: leave-one-out R2 of the surrogate
    span: tuple[float, float] | None = None  #: predicted losses that 10 % and 90 % of the space stay below
    is_log: bool = False  #: whether losses are compared by their logarithms
    within: str | None = None  #: the branch, as ``model=mlp``
    note: str | None = None  #: why nothing is known, or why another method was used; one sentence


@isolated_numerics()
def loss_surrogate(history: History) -> Surrogate | None:
    """Return a surrogate of the losses, None with too few trials or too many parameters."""
    encoding = Encoding(history.space)
    if np.isfinite(history.losses).sum() < MIN_TRIALS or _n_active_features(encoding) > MAX_FEATURES:
        return None
    return fit_losses(history, encoding)


@isolated_numerics()
def importance(
    history: History,
    rng: np.random.Generator,
    *,
    within: Mapping[str, int] | None = None,
    surrogate: Surrogate | None = None,
) -> Importance:
    """Return how much each parameter matters for the loss.

    Parameters
    ----------
    history : History
        Finished trials.
    rng : Generator
        Source of randomness.
    within : mapping, optional
        Index of the option by label of a choice: look only at this branch.
    surrogate : Surrogate, optional
        What ``loss_surrogate`` returned, to save its time.
    """
    n = int(np.isfinite(history.losses).sum())
    found = Importance(
        method=Method.EFFECTS,
        target=Target.LOSS,
        parameters=(),
        n_trials=n,
        n_used=0,
        within=branch_text(history.space, within),
    )
    if n < MIN_TRIALS:
        return replace(found, note=f"Not enough is known yet: {n} of {MIN_TRIALS} trials have a loss.")
    surrogate = surrogate or loss_surrogate(history)
    if surrogate is None:
        why = f"The space has more than {MAX_FEATURES} parameters and options, too many for a model."
        return replace(good_trial_importance(history), note=f"{why} {_GOOD_TRIALS_CAUTION}")
    return _with_effects(found, surrogate, history, rng, within)


@isolated_numerics()
def failure_importance(
    history: History, rng: np.random.Generator, *, within: Mapping[str, int] | None = None
) -> Importance:
    """Return how much each parameter matters for whether a trial fails.

    Parameters
    ----------
    history, rng, within
        As for ``importance``.
    """
    n_failed = int((~(history.losses < np.inf)).sum())
    found = Importance(
        method=Method.EFFECTS,
        target=Target.FAILURES,
        parameters=(),
        n_trials=len(history),
        n_used=0,
        within=branch_text(history.space, within),
    )
    if n_failed < _MIN_FAILED or len(history) < MIN_TRIALS:
        few = f"{n_failed} of {len(history)} trials failed"
        return replace(found, note=f"Not enough is known yet about failures: {few}.")
    encoding = Encoding(history.space)
    if _n_active_features(encoding) > MAX_FEATURES:
        return replace(found, note="The space has too many parameters and options for a model of failures.")
    return _with_effects(found, fit_success(history, encoding), history, rng, within)


_GOOD_TRIALS_CAUTION = (
    "These are what the best tenth of the trials have in common; what the search decided early does not show."
)


@isolated_numerics()
def good_trial_importance(history: History) -> Importance:
    """Return what tells the best tenth of the trials from all of them.

    Parameters
    ----------
    history : History
        Finished trials.
    """
    n = int(np.isfinite(history.losses).sum())
    found = Importance(method=Method.GOOD_TRIALS, target=Target.LOSS, parameters=(), n_trials=n, n_used=n)
    scores = good_trial_scores(history)
    if n < MIN_TRIALS or not scores.sum() > 0:
        return replace(found, note=f"Not enough is known yet: {n} trials have a loss.")
    best = best_values(history)
    shares = scores / scores.sum()
    parameters = [
        ParameterImportance(
            label=p.label, share=float(share), best=best.get(p.label), branch=_branch_of(history.space, p)
        )
        for p, share in zip(history.space.parameters, shares, strict=True)
    ]
    return replace(found, parameters=_ordered(parameters))


def branch_options(space: Space, label: str, option: int) -> dict[str, int]:
    """Return the options of a choice and of those above it that lead to one of its options.

    Parameters
    ----------
    space : Space
        The space.
    label : str
        A choice.
    option : int
        Index of its option.
    """
    (parameter,) = (p for p in space.parameters if p.label == label)
    return {**{c.label: c.option for c in parameter.paths[0]}, label: option}


def branch_text(space: Space, options: Mapping[str, int] | None) -> str | None:
    """Return a branch as ``model=mlp, optimizer=adam``; None for the whole space.

    Parameters
    ----------
    space : Space
        The space.
    options : mapping, optional
        Index of the option by label.
    """
    if not options:
        return None
    return ", ".join(f"{label}={space.option_names(label)[option]}" for label, option in options.items())


def _n_active_features(encoding: Encoding) -> float:
    """Return how many features are active at a point of the prior, on average."""
    return float(np.array(activities(encoding.space))[encoding.groups].sum())


def _with_effects(
    found: Importance,
    surrogate: Surrogate,
    history: History,
    rng: np.random.Generator,
    within: Mapping[str, int] | None,
) -> Importance:
    """Return the importance with total effects, if the surrogate can be trusted."""
    found = replace(
        found,
        n_used=surrogate.n_used,
        r2=surrogate.r2,
        is_log=surrogate.scale is not None and surrogate.scale.is_log,
        note=_extreme_note(surrogate.n_extreme),
    )
    if surrogate.r2 < MIN_R2:
        what = "failures" if found.target is Target.FAILURES else "losses"
        why = f"a model of the {what} predicts {max(surrogate.r2, 0):.0%} of their differences"
        return replace(found, note=f"Not enough is known yet: {why}.")
    space = history.space
    encoding = Encoding(space.given(within)) if within else surrogate.encoding
    pairs = point_pairs(encoding, _N_PAIRS, rng)
    columns = [j for j in np.flatnonzero(pairs.active.any(axis=0)).tolist() if _may_vary(encoding.space, j)]
    effects = total_effects(surrogate.mean, pairs, [[j] for j in columns])
    if not effects.sum() > 0:
        return replace(found, note="No parameter makes a difference, as far as the trials show.")
    values = surrogate.mean(pairs.first, pairs.active)
    alone = first_order_effects(values, pairs)[columns]
    bands = _bands(surrogate, pairs, columns, rng)
    partners = _interactions(surrogate, pairs, columns, effects)
    best = {} if surrogate.scale is None else best_values(history)
    parameters = [
        ParameterImportance(
            label=space.parameters[j].label,
            share=float(effects[i] / effects.sum()),
            band=float(bands[i]),
            total=float(effects[i]),
            alone=float(min(alone[i], effects[i])),
            interacts_with=tuple(space.parameters[k].label for k in partners.get(j, ())),
            best=best.get(space.parameters[j].label),
            branch=_branch_of(space, space.parameters[j]),
        )
        for i, j in enumerate(columns)
    ]
    return replace(found, parameters=_ordered(parameters), span=_span(surrogate, values))


def _extreme_note(n: int) -> str | None:
    """Return the sentence about trials that the surrogate leaves out; None without any."""
    if not n:
        return None
    trials = "1 trial is" if n == 1 else f"{n} trials are"
    return f"{trials} left out: losses far above the others, which the parameters hardly explain."


def _may_vary(space: Space, column: int) -> bool:
    return space.parameters[column].distribution.n_values != 1


def _bands(
    surrogate: Surrogate, pairs: PointPairs, columns: Sequence[int], rng: np.random.Generator
) -> Floats:
    """Return half the widths of 90 % intervals of the shares, (k,)."""
    functions = surrogate.draw(_N_FUNCTIONS, rng)
    encoding = surrogate.encoding
    effects = total_effects(
        lambda x, active: functions(encoding.features(x, active)),
        pairs.head(_N_BAND_PAIRS),
        [[j] for j in columns],
    )
    shares = effects / np.maximum(effects.sum(axis=0), 1e-300)
    return np.asarray(np.hypot(_N_SIGMAS * shares.std(axis=1), _SAMPLING_ERROR))


def _interactions(
    surrogate: Surrogate, pairs: PointPairs, columns: Sequence[int], effects: Floats
) -> dict[int, list[int]]:
    """Return the parameters that each of the most important ones interacts with, the strongest first."""
    space = surrogate.encoding.space
    top = [columns[i] for i in np.argsort(-effects, kind="stable")[:_N_JOINT]]
    # A choice and a parameter below it always act together; that is no news.
    couples = [(i, j) for i, j in combinations(top, 2) if not _are_nested(space, i, j)]
    if not couples:
        return {}
    few = pairs.head(_N_JOINT_PAIRS)
    single = dict(zip(top, total_effects(surrogate.mean, few, [[j] for j in top]), strict=True))
    joint = total_effects(surrogate.mean, few, couples)
    strengths = {
        couple: single[couple[0]] + single[couple[1]] - both
        for couple, both in zip(couples, joint, strict=True)
    }
    found: dict[int, list[int]] = {}
    for (i, j), strength in sorted(strengths.items(), key=lambda item: -item[1]):
        if strength >= _MIN_INTERACTION:
            found.setdefault(i, []).append(j)
            found.setdefault(j, []).append(i)
    return found


def _are_nested(space: Space, i: int, j: int) -> bool:
    """Whether one of two parameters is a choice above the other."""
    first, second = space.parameters[i], space.parameters[j]
    return first.label in _choices_above(second) or second.label in _choices_above(first)


def _choices_above(parameter: Parameter) -> set[str]:
    return {condition.label for path in parameter.paths for condition in path}


def _branch_of(space: Space, parameter: Parameter) -> str | None:
    """Return the conditions of a parameter as text; several paths are joined by "or"."""
    if () in parameter.paths:
        return None
    return " or ".join(_path_texts(space, parameter))


def _path_texts(space: Space, parameter: Parameter) -> Iterator[str]:
    for path in parameter.paths:
        yield branch_text(space, {c.label: c.option for c in path[-1:]}) or ""


def _span(surrogate: Surrogate, values: Floats) -> tuple[float, float] | None:
    """Return the losses that 10 % and 90 % of the space are predicted to stay below."""
    if surrogate.scale is None:
        return None
    low, high = surrogate.scale.losses(np.quantile(values, [0.1, 0.9]))
    return float(low), float(high)


def _ordered(parameters: Sequence[ParameterImportance]) -> tuple[ParameterImportance, ...]:
    return tuple(sorted(parameters, key=lambda p: -p.share))
