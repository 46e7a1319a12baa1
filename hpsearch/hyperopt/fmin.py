"""Hyperopt's ``fmin``: minimise a function over a space."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.errors import ConfigurationError, HpsearchError, HpsearchWarning
from hpsearch.hyperopt import tpe
from hpsearch.hyperopt.engine.documents import (
    Doc,
    coarse_utcnow,
    new_misc,
    spec_from_misc,
    validate_loss_threshold,
    validate_timeout,
)
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.fmin_iter import FMinIter
from hpsearch.hyperopt.engine.points import complete_point, raw_point
from hpsearch.hyperopt.engine.pruning import pruner_of
from hpsearch.hyperopt.engine.saving import load_trials
from hpsearch.hyperopt.engine.trials import Trials
from hpsearch.hyperopt.engine.warm_start import warm_started
from hpsearch.hyperopt.exceptions import InvalidAnnotatedParameter
from hpsearch.hyperopt.pyll.evaluation import config_at
from hpsearch.runtime.events import Event
from hpsearch.space.expression import Node
from hpsearch.space.tree import Space
from hpsearch.suggest.beliefs import Beliefs, belief_texts

__all__ = [
    "FMinIter",
    "Trials",
    "coarse_utcnow",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "generate_trial",
    "generate_trials_to_calculate",
    "partial",
    "space_eval",
    "validate_loss_threshold",
    "validate_timeout",
]

logger = logging.getLogger(__name__)


def fmin(
    fn: Callable[..., Any],
    space: Any,
    algo: Callable[..., Any] | None = None,
    max_evals: int | None = None,
    timeout: float | None = None,
    loss_threshold: float | None = None,
    trials: Any = None,
    rstate: Any = None,
    allow_trials_fmin: bool = True,
    pass_expr_memo_ctrl: bool | None = None,
    catch_eval_exceptions: bool = False,
    verbose: bool = True,
    return_argmin: bool = True,
    points_to_evaluate: Iterable[Mapping[str, Any]] | None = None,
    max_queue_len: int = 1,
    show_progressbar: Any = True,
    early_stop_fn: Callable[..., Any] | None = None,
    trials_save_file: str = "",
    *,
    warm_start: Any = None,
    believe: str | Sequence[str] | Mapping[str, Any] | None = None,
    pruner: str | Mapping[str, Any] | None = None,
    objectives: Mapping[str, str] | None = None,
    limits: Mapping[str, str] | None = None,
) -> Any:
    """Minimise a function over a space, in this process or with workers.

    Parameters
    ----------
    fn : callable
        Takes a configuration; returns a number, or a dict with ``status`` and, if that is "ok", ``loss``. The
        value of ``attachments``, a dict of bytes, is stored separately.
    space : any
        Nested dicts, lists and ``hp`` objects; or "annotated" to use the annotations of the arguments of
        ``fn``, which is then called with keywords.
    algo : callable, optional
        ``algo(new_ids, domain, trials, seed)`` returns documents; ``tpe.suggest`` by default.
    max_evals : int, optional
        Number of trials in total, including those in ``trials``; unlimited by default.
    timeout : float, optional
        Seconds after which no trial is started; positive.
    loss_threshold : float, optional
        No trial is started once a loss is below it.
    trials : Trials or MongoTrials, optional
        Trials to continue; new ones are added. With ``MongoTrials``, workers evaluate, and this process leads
        the search.
    rstate : Generator, RandomState, int or None
        Source of randomness; by default the number in ``HYPEROPT_FMIN_SEED``, else unpredictable.
    allow_trials_fmin : bool
        Whether to call ``trials.fmin`` instead, if it exists.
    pass_expr_memo_ctrl : bool, optional
        Whether ``fn`` is called as ``fn(expr=, memo=, ctrl=)``.
    catch_eval_exceptions : bool
        Whether an exception of ``fn`` is stored in its trial instead of ending the search; always done on a
        fleet.
    verbose : bool
        Whether to show progress at all.
    return_argmin : bool
        Whether to return the best raw values by label; otherwise the best configuration.
    points_to_evaluate : iterable of dict, optional
        Points to try first: raw values by label, or the option of a choice. They come in addition to
        ``max_evals``, on a fleet they are part of it. Points already in ``trials`` are left out.
    max_queue_len : int
        New trials in each call to ``algo``; on a fleet, the least number of trials in the queue.
    show_progressbar : bool or callable
        Whether to show progress, or a factory of context managers as in ``progress``.
    early_stop_fn : callable, optional
        ``early_stop_fn(trials, *args)`` returns whether to stop, and the next ``args``.
    trials_save_file : path
        File in which the trials are saved after each round, and from which they are loaded at the start if
        ``trials`` is None; not on a fleet.
    warm_start : Trials, str, or a list of these, optional
        Earlier searches. The first trials, up to four, are points that did well in them. In this process,
        these are ``Trials`` objects; their spaces may have other ranges and options. With ``MongoTrials``,
        they are names of searches in the same database, or "auto" for all that searched the same parameters.
    believe : str, sequence of str or mapping, optional
        Guesses about the best point, which the algorithms of hpsearch try first and prefer for a while: texts
        such as "lr ~ 1e-3", "lr ~ 1e-4..1e-2" and "optimizer ~ adam", or a dict by label of values, pairs
        (low, high) and lists of options. An algorithm of your own finds them in ``domain.believe``.
    pruner : str or mapping, optional
        Stops trials that will not win, by what they report to ``hpsearch.current_trial()``: "auto" or another
        rule of ``hpsearch run --pruner``, or a dict of the name, ``max_resource``, ``min_resource`` and
        options, such as ``{"name": "asha", "eta": 4}``. The objective asks ``should_stop()`` and raises
        ``hpsearch.Pruned``. Such a trial has the status "fail"; its predicted loss is learned from.
    objectives : mapping of str to str, optional
        Numbers of the result to optimize, by name: ``{"error": "min", "accuracy": "max"}``. They stand in the
        dict that ``fn`` returns, or in its ``losses``. With several, ``Trials.front`` has the best ones, and
        the result is the knee of the front, with a warning.
    limits : mapping of str to str, optional
        Bounds of numbers of the result that the best trials keep: ``{"memory_gb": "<= 8"}``. A number in
        the ``constraints`` of the result is an amount that exceeds its limit if it is positive.

    Returns
    -------
    dict or any
        See ``return_argmin``; None if it is false and there are no trials.

    Raises
    ------
    AllTrialsFailed
        If no trial has a loss.
    ConfigurationError
        If ``warm_start`` or ``pruner`` cannot be used, or ``objectives`` or ``limits`` cannot be read.
    NotFoundError
        If ``warm_start`` names a search that does not exist.
    Exception
        Whatever ``fn`` raises, unless ``catch_eval_exceptions`` is true.
    """
    validate_timeout(timeout)
    validate_loss_threshold(loss_threshold)
    n_evals = _checked_max_evals(max_evals)
    if isinstance(space, str) and space == "annotated":
        fn, space = _annotated(fn)
    domain = Domain(fn, space, pass_expr_memo_ctrl=pass_expr_memo_ctrl)
    domain.declare(objectives, limits)
    _check_single(domain, loss_threshold=loss_threshold, warm_start=warm_start, pruner=pruner)
    domain.believe = belief_texts(believe)
    Beliefs(domain.believe, domain.space)  # refuses an invalid one before anything is evaluated
    domain.pruner = pruner_of(pruner)
    if algo is None:
        logger.warning("fmin was given no algorithm; it uses tpe.suggest.", extra=Event.NO_ALGORITHM.of())
        algo = tpe.suggest
    if trials is None:
        trials = _loaded(trials_save_file) or Trials()
        allow_trials_fmin = False
    if points_to_evaluate is not None:
        queue_points = getattr(trials, "queue_points", None) or functools.partial(_queue_points, trials)
        queue_points(domain.space, points_to_evaluate)
    if warm_start is not None and hasattr(trials, "queue_warm_start"):
        trials.queue_warm_start(warm_start)
    elif warm_start is not None:
        algo = warm_started(algo, domain.space, warm_start)
    options: dict[str, Any] = {
        "timeout": timeout,
        "loss_threshold": loss_threshold,
        "verbose": verbose,
        "max_queue_len": max_queue_len,
        "show_progressbar": show_progressbar,
        "early_stop_fn": early_stop_fn,
        "trials_save_file": trials_save_file,
    }
    # Other classes of trials do not know these.
    ours = {"believe": believe, "pruner": pruner, "objectives": objectives, "limits": limits}
    if allow_trials_fmin and hasattr(trials, "fmin"):
        return trials.fmin(
            fn,
            space,
            algo=algo,
            max_evals=max_evals,
            rstate=rstate,
            pass_expr_memo_ctrl=pass_expr_memo_ctrl,
            catch_eval_exceptions=catch_eval_exceptions,
            return_argmin=return_argmin,
            **options,
            **{name: value for name, value in ours.items() if value is not None},
        )
    seed = _from_environment() if rstate is None else rstate
    rounds = FMinIter(algo, domain, trials, rstate=seed, max_evals=n_evals, **options)
    rounds.catch_eval_exceptions = catch_eval_exceptions
    rounds.exhaust()
    return _best(domain, trials, return_argmin)


def space_eval(space: Any, hp_assignment: Mapping[str, Any], *, trust_space: bool = False) -> Any:
    """Return the configuration for raw values, such as those returned by ``fmin``.

    Parameters
    ----------
    space : any
        As for ``fmin``; or a ``Space``, such as ``MongoTrials.space``, whose functions and classes are text.
    hp_assignment : mapping
        A value for each active label, see ``points.raw_point``. Inactive labels are ignored; their value may
        be None or an empty list.
    trust_space : bool
        Whether a stored space may import and call the functions that it names.

    Raises
    ------
    SpaceError
        If a value is missing or invalid.
    """
    expression = space.expression if isinstance(space, Space) else space
    if trust_space:
        expression = Space(expression).trusted().expression
    return _config(Domain(None, expression), hp_assignment)


def generate_trial(tid: Any, space: Mapping[str, Any]) -> Doc:
    """Return the document of a new trial at a point.

    Parameters
    ----------
    tid : int
        Number of the trial.
    space : mapping
        Raw values by label, None for inactive ones.
    """
    misc = new_misc(tid, {label: value for label, value in space.items() if value is not None}, space)
    return Trials().new_trial_docs([tid], [None], [{"status": "new"}], [misc])[0]


def generate_trials_to_calculate(points: Iterable[Mapping[str, Any]]) -> Trials:
    """Return new trials at some points; ``refresh`` shows them."""
    trials = Trials()
    trials.insert_trial_docs(generate_trial(tid, point) for tid, point in enumerate(points))
    return trials


def fmin_pass_expr_memo_ctrl(f: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an objective that takes ``expr``, ``memo`` and ``ctrl`` instead of a configuration."""
    f.fmin_pass_expr_memo_ctrl = True  # type: ignore[attr-defined]
    return f


def partial(fn: Callable[..., Any], **kwargs: Any) -> functools.partial[Any]:
    """Return ``functools.partial``, with the mark of ``fmin_pass_expr_memo_ctrl`` if the function has it.

    Parameters
    ----------
    fn : callable
        The function.
    **kwargs
        Its arguments.
    """
    made = functools.partial(fn, **kwargs)
    if hasattr(fn, "fmin_pass_expr_memo_ctrl"):
        fmin_pass_expr_memo_ctrl(made)
    return made


def _config(domain: Domain, point: Mapping[str, Any]) -> Any:
    """Return the configuration at a point."""
    return config_at(domain.expr, raw_point(domain.space, point))


def _best(domain: Domain, trials: Any, return_argmin: bool) -> Any:
    """Return the result of ``fmin``."""
    if len(trials) == 0 and not return_argmin:
        return None
    if len(trials) == 0 and not getattr(trials, "_dynamic_trials", True):
        raise HpsearchError("No trial was evaluated, so there is no best one; max_evals must be at least 1.")
    best = trials.best_trial
    if domain.outcomes is not None and domain.outcomes.has_several_objectives:
        text = f"fmin returns the knee of a front of {len(trials.front)} trials; all are in trials.front."
        warnings.warn(text, HpsearchWarning, stacklevel=3)
    argmin = spec_from_misc(best["misc"])
    return argmin if return_argmin else _config(domain, argmin)


def _check_single(domain: Domain, **options: Any) -> None:
    """Refuse options that need one objective if there are several."""
    if domain.outcomes is None or not domain.outcomes.has_several_objectives:
        return
    for name, value in options.items():
        if value is not None:
            raise ConfigurationError(f"{name} needs one objective, and there are several: leave it out.")


def _checked_max_evals(max_evals: Any) -> int:
    """Return the number of trials; raise ``TypeError`` if it is not an integer."""
    if max_evals is None:
        return sys.maxsize
    if not isinstance(max_evals, int | np.integer):
        raise TypeError(f"max_evals must be an integer or None, but it is {max_evals!r}.")
    return int(max_evals)


def _annotated(fn: Callable[..., Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return an objective of one argument, and the space, for a function with annotated arguments."""
    space = {
        name: hint for name, hint in inspect.get_annotations(fn, eval_str=True).items() if name != "return"
    }
    for name, hint in space.items():
        if not isinstance(hint, Node):
            raise InvalidAnnotatedParameter(
                f"The argument {name!r} of {getattr(fn, '__name__', fn)!r} is annotated with {hint!r}; "
                f'with space="annotated", every annotation must be an hp object.'
            )
    return lambda config: fn(**config), space


def _loaded(path: str) -> Any:
    """Return the trials in a file, None if it does not exist."""
    return load_trials(path) if path and Path(path).exists() else None


def _queue_points(trials: Any, space: Space, points: Iterable[Mapping[str, Any]]) -> None:
    """Queue the points that are not in the trials yet."""
    known = [spec_from_misc(doc["misc"]) for doc in trials.trials]
    wanted = [point for point in (complete_point(space, p) for p in points) if point not in known]
    tids = trials.new_trial_ids(len(wanted))
    miscs = [new_misc(tid, point, space.nodes) for tid, point in zip(tids, wanted, strict=True)]
    results = [{"status": "new"} for _ in wanted]
    trials.insert_trial_docs(trials.new_trial_docs(tids, [None] * len(wanted), results, miscs))


def _from_environment() -> int | None:
    """Return the seed in the environment, if any."""
    text = os.environ.get("HYPEROPT_FMIN_SEED", "")
    return int(text) if text else None
