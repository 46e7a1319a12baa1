"""Suggesters by the name of their algorithm."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from typing import TypeVar

from hpsearch.core.experiment import Algorithm
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Space
from hpsearch.suggest.anneal import Anneal, AnnealOptions
from hpsearch.suggest.auto import Auto, AutoOptions
from hpsearch.suggest.mix import Mix, MixOptions
from hpsearch.suggest.protocol import Suggester
from hpsearch.suggest.random import RandomSearch
from hpsearch.suggest.tpe.branches import BranchTPE
from hpsearch.suggest.tpe.suggest import TPEOptions

Options = TypeVar("Options", AnnealOptions, AutoOptions, MixOptions, TPEOptions)

#: The names that ``make_suggester`` accepts.
ALGORITHMS = ("auto", "tpe", "random", "anneal", "mix")


def make_suggester(algorithm: Algorithm, space: Space) -> Suggester:
    """Return the suggester of an algorithm.

    Parameters
    ----------
    algorithm : Algorithm
        The options are the fields of ``AutoOptions`` for "auto", ``TPEOptions`` for "tpe", ``AnnealOptions``
        for "anneal" and ``MixOptions`` for "mix", whose parts have their defaults; "random" has none.
    space : Space
        The space to search.

    Raises
    ------
    ConfigurationError
        For an unknown name or option, or an option out of its range.
    """
    match algorithm.name:
        case "auto":
            return Auto(space, _options(algorithm, AutoOptions))
        case "tpe":
            return BranchTPE(space, _options(algorithm, TPEOptions))
        case "anneal":
            return Anneal(space, _options(algorithm, AnnealOptions))
        case "random":
            _check_options(algorithm, ())
            return RandomSearch(space)
        case "mix":
            return _mix(space, _options(algorithm, MixOptions))
        case unknown:
            raise ConfigurationError(
                f"There is no algorithm {unknown!r}{_did_you_mean(unknown, ALGORITHMS)}; "
                f"there are {', '.join(ALGORITHMS)}."
            )


def _options(algorithm: Algorithm, kind: type[Options]) -> Options:
    """Return the options of an algorithm as the dataclass that checks them."""
    _check_options(algorithm, [field.name for field in dataclasses.fields(kind)])
    return kind(**algorithm.options)


def _mix(space: Space, options: MixOptions) -> Mix:
    if "mix" in options.shares:
        raise ConfigurationError("The option shares of mix must name other algorithms than mix.")
    parts = [make_suggester(Algorithm(name=name), space) for name in options.shares]
    return Mix(parts, list(options.shares.values()))


def _check_options(algorithm: Algorithm, names: Sequence[str]) -> None:
    for option in algorithm.options:
        if option not in names:
            hint, has = _did_you_mean(option, names), ", ".join(names) or "none"
            raise ConfigurationError(
                f"The algorithm {algorithm.name} has no option {option!r}{hint}; it has {has}."
            )


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
