"""Suggesters by the name of their algorithm."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from hpsearch.core.experiment import Algorithm
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.spelling import did_you_mean
from hpsearch.space.tree import Space
from hpsearch.suggest.anneal import Anneal, AnnealOptions
from hpsearch.suggest.auto import Auto, AutoOptions
from hpsearch.suggest.beliefs import Beliefs
from hpsearch.suggest.from_beliefs import FromBeliefs
from hpsearch.suggest.mix import Mix, MixOptions
from hpsearch.suggest.names import ALGORITHMS, BELIEVE
from hpsearch.suggest.objectives.suggester import WithOutcomes
from hpsearch.suggest.protocol import Suggester
from hpsearch.suggest.random import RandomSearch
from hpsearch.suggest.tpe.branches import BranchTPE
from hpsearch.suggest.tpe.suggest import TPEOptions
from hpsearch.suggest.within_conditions import within_conditions

Options = TypeVar("Options", AnnealOptions, AutoOptions, MixOptions, TPEOptions)


def make_suggester(algorithm: Algorithm, space: Space) -> Suggester:
    """Return the suggester of an algorithm.

    Parameters
    ----------
    algorithm : Algorithm
        The options are the fields of ``AutoOptions`` for "auto", ``TPEOptions`` for "tpe", ``AnnealOptions``
        for "anneal" and ``MixOptions`` for "mix", whose parts have their defaults; "random" has none. All
        have ``believe``, the texts of ``Beliefs``.
    space : Space
        The space to search.

    Raises
    ------
    ConfigurationError
        For an unknown name or option, or an option out of its range.
    """
    options = dict(algorithm.options)
    texts = options.pop(BELIEVE, None)
    beliefs = None if not texts else Beliefs(_checked_texts(texts), space)
    suggester = _suggester(Algorithm(name=algorithm.name, options=options), space, beliefs)
    return guided(suggester, space, beliefs)


def guided(suggester: Suggester, space: Space, beliefs: Beliefs | None) -> Suggester:
    """Return a suggester for any outcomes that satisfies conditions, and follows beliefs at first.

    Parameters
    ----------
    suggester : Suggester
        A suggester for ``space``.
    space : Space
        The space to search.
    beliefs : Beliefs, optional
        Beliefs about its parameters.
    """
    if beliefs is not None:
        suggester = FromBeliefs(suggester, space, beliefs)
    return within_conditions(WithOutcomes(suggester), space)


def _checked_texts(texts: Any) -> Sequence[str]:
    if isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts):
        return texts
    raise ConfigurationError('The option believe must be a list of texts such as ["lr ~ 1e-3"].')


def _suggester(algorithm: Algorithm, space: Space, beliefs: Beliefs | None) -> Suggester:
    """Return the suggester of an algorithm, without regard to conditions."""
    match algorithm.name:
        case "auto":
            return Auto(space, _options(algorithm, AutoOptions), beliefs)
        case "tpe":
            return BranchTPE(space, _options(algorithm, TPEOptions), beliefs)
        case "anneal":
            return Anneal(space, _options(algorithm, AnnealOptions))
        case "random":
            _check_options(algorithm, ())
            return RandomSearch(space)
        case "mix":
            return _mix(space, _options(algorithm, MixOptions), beliefs)
        case unknown:
            raise ConfigurationError(
                f"There is no algorithm {unknown!r}{did_you_mean(unknown, ALGORITHMS)}; "
                f"there are {', '.join(ALGORITHMS)}."
            )


def _options(algorithm: Algorithm, kind: type[Options]) -> Options:
    """Return the options of an algorithm as the dataclass that checks them."""
    _check_options(algorithm, [field.name for field in dataclasses.fields(kind)])
    return kind(**algorithm.options)


def _mix(space: Space, options: MixOptions, beliefs: Beliefs | None) -> Mix:
    if "mix" in options.shares:
        raise ConfigurationError("The option shares of mix must name other algorithms than mix.")
    parts = [_suggester(Algorithm(name=name), space, beliefs) for name in options.shares]
    return Mix(parts, list(options.shares.values()))


def _check_options(algorithm: Algorithm, names: Sequence[str]) -> None:
    for option in algorithm.options:
        if option not in names:
            hint, has = did_you_mean(option, names), ", ".join(names) or "none"
            raise ConfigurationError(
                f"The algorithm {algorithm.name} has no option {option!r}{hint}; it has {has}."
            )
