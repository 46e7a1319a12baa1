"""The algorithms by name."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable

from hpsearch.core.experiment import Algorithm
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Space
from hpsearch.suggest.anneal import Anneal, AnnealOptions
from hpsearch.suggest.auto import Auto, AutoOptions
from hpsearch.suggest.mix import Mix, MixOptions
from hpsearch.suggest.protocol import Suggester
from hpsearch.suggest.random import RandomSearch
from hpsearch.suggest.tpe.suggest import TPE, TPEOptions

#: Every name that ``make_suggester`` knows.
ALGORITHMS = ("auto", "tpe", "random", "anneal", "mix")


def make_suggester(algorithm: Algorithm, space: Space) -> Suggester:
    """Return the suggester that an algorithm names.

    Parameters
    ----------
    algorithm : Algorithm
        Its options are the fields of ``AutoOptions`` for "auto", of ``TPEOptions`` for "tpe", of
        ``AnnealOptions`` for "anneal", and of ``MixOptions`` for "mix", whose parts are at their
        defaults; "random" has none.
    space : Space
        The space it is to search.

    Raises
    ------
    ConfigurationError
        For an unknown name or option, or an option out of its range.
    """
    match algorithm.name:
        case "auto":
            _check_options(algorithm, (field.name for field in dataclasses.fields(AutoOptions)))
            return Auto(space, AutoOptions(**algorithm.options))
        case "tpe":
            _check_options(algorithm, (field.name for field in dataclasses.fields(TPEOptions)))
            return TPE(space, TPEOptions(**algorithm.options))
        case "anneal":
            _check_options(algorithm, (field.name for field in dataclasses.fields(AnnealOptions)))
            return Anneal(space, AnnealOptions(**algorithm.options))
        case "random":
            _check_options(algorithm, ())
            return RandomSearch(space)
        case "mix":
            _check_options(algorithm, (field.name for field in dataclasses.fields(MixOptions)))
            return _mix(space, MixOptions(**algorithm.options))
        case unknown:
            raise ConfigurationError(
                f"There is no algorithm {unknown!r}{_did_you_mean(unknown, ALGORITHMS)}; "
                f"there are {', '.join(ALGORITHMS)}."
            )


def _mix(space: Space, options: MixOptions) -> Mix:
    if "mix" in options.shares:
        raise ConfigurationError("The option shares of mix must name other algorithms than mix.")
    parts = [make_suggester(Algorithm(name=name), space) for name in options.shares]
    return Mix(parts, list(options.shares.values()))


def _check_options(algorithm: Algorithm, known: Iterable[str]) -> None:
    """Refuse options that the algorithm does not have."""
    names = tuple(known)
    for option in algorithm.options:
        if option not in names:
            hint, has = _did_you_mean(option, names), ", ".join(names) or "none"
            raise ConfigurationError(
                f"The algorithm {algorithm.name} has no option {option!r}{hint}; it has {has}."
            )


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that names the closest known word, or nothing when none is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
