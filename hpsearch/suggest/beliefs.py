"""What a user believes about the best point.

A belief about a number is a density ``b`` over its axis (``tpe.axis``), whose unit is the range of the
parameter on its own scale, so logarithmic for a loguniform: a normal with the believed value as its mean and
a tenth of the range as its standard deviation, or, for a range, with the middle of the range and a quarter of
its width. A belief about a choice is the prior of the believed options. What matters is the ratio to the
prior::

    r(x) = (1 - e) b(x) / p(x) + e,    e = 0.1

with ``p = 1`` on an axis. Since ``r >= e``, a belief excludes nothing. ``preference`` says how much beliefs
count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.escaping import named, shown
from hpsearch.runtime.special_functions import ndtr
from hpsearch.runtime.spelling import did_you_mean
from hpsearch.space.distribution import Integer, bounds_text
from hpsearch.space.expression import Choice, Number
from hpsearch.space.option_names import readable_options
from hpsearch.space.tree import Space
from hpsearch.suggest.tpe.axis import Axes, axis
from hpsearch.suggest.tpe.gauss import quantile

#: Standard deviation of a belief in one value, in units of the parameter's range.
WIDTH = 0.1
#: Standard deviation of a belief in a range, in units of its width: the range holds 95 % of the belief.
_RANGE_WIDTH = 0.25
#: The narrowest standard deviation.
_LEAST_WIDTH = 0.01
#: Share of the prior in a belief, which keeps everything possible.
_DOUBT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBelief:
    """A belief about a number."""

    axes: Axes  #: of one parameter
    mean: float  #: in ``x``
    sigma: float  #: in ``x``

    @property
    def centre(self) -> float:
        """The raw value that is believed most."""
        return float(self.axes.values(np.array([[self.mean]]))[0, 0])

    def coordinates(self, values: Floats) -> Floats:
        """Map (n,) raw values to ``x``."""
        return np.asarray(self.axes.coordinates(values[None])[0])

    def log_ratio(self, x: Floats) -> Floats:
        """Return the log ratio to the prior at (n,) coordinates."""
        return np.log(self._ratio(x))

    def slope(self, x: Floats) -> Floats:
        """Return the derivative of the log ratio at (n,) coordinates."""
        ratio = self._ratio(x)
        return (ratio - _DOUBT) / ratio * (self.mean - x) / self.sigma**2

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw (n,) raw values.

        Parameters
        ----------
        n : int
            Number of draws.
        rng : Generator
            Source of randomness.
        """
        below, above = ndtr(self._ends())
        z = quantile(below + (above - below) * rng.random(n))
        return np.asarray(self.axes.values((self.mean + self.sigma * z)[None])[0])

    def _ratio(self, x: Floats) -> Floats:
        z = (x - self.mean) / self.sigma
        mass = np.diff(ndtr(self._ends()))
        density = np.exp(-0.5 * z * z) / (math.sqrt(2 * math.pi) * self.sigma * mass)
        return np.asarray((1 - _DOUBT) * density + _DOUBT)

    def _ends(self) -> Floats:
        """Return the ends of the axis, (2,), in standard deviations from the mean."""
        return np.asarray((np.array([self.axes.low[0], self.axes.high[0]]) - self.mean) / self.sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceBelief:
    """A belief about a choice."""

    probabilities: Floats  #: (o,) of each option, without doubt
    log_ratios: Floats  #: (o,) to the prior

    @property
    def centre(self) -> float:
        """The index of the option that is believed most."""
        return float(self.probabilities.argmax())

    def coordinates(self, values: Floats) -> Floats:
        """Return (n,) indices unchanged."""
        return values

    def log_ratio(self, x: Floats) -> Floats:
        """Return the log ratio to the prior of (n,) indices."""
        return np.asarray(self.log_ratios[x.astype(np.intp)])

    def slope(self, x: Floats) -> Floats:
        """Return zeros: an index has no slope."""
        return np.zeros(len(x))

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw (n,) indices.

        Parameters
        ----------
        n : int
            Number of draws.
        rng : Generator
            Source of randomness.
        """
        cumulative = np.cumsum(self.probabilities)
        drawn = np.searchsorted(cumulative / cumulative[-1], rng.random(n), side="right")
        return drawn.astype(np.float64)


Belief = NumberBelief | ChoiceBelief


class Beliefs:
    """Beliefs about some parameters of a space.

    Parameters
    ----------
    texts : sequence of str
        Such as "lr ~ 1e-3", "lr ~ 1e-4..1e-2" and "optimizer ~ adam, sgd"; one for each parameter.
    space : Space
        The space.

    Attributes
    ----------
    texts : tuple of str
        As given.
    by_column : dict of int to Belief
        The belief about each parameter that has one, by its index in the space.

    Raises
    ------
    ConfigurationError
        If a text is no belief, or its parameter, value or option does not exist.
    """

    def __init__(self, texts: Sequence[str], space: Space) -> None:
        self.texts = tuple(texts)
        self._space = space
        self.by_column: dict[int, Belief] = {}
        columns = {label: j for j, label in enumerate(space.nodes)}
        for text in texts:
            label, value = _split(text, space)
            node, column = space.nodes[label], columns[label]
            if column in self.by_column:
                raise ConfigurationError(f"There are two beliefs about {named(label)}; give one.")
            if isinstance(node, Choice):
                self.by_column[column] = _options(node, value, text)
            else:
                self.by_column[column] = _number(node, value, text)

    def within(self, decided: Space) -> Beliefs | None:
        """Return the beliefs about what is open in this space with some choices decided; None if none is."""
        open_labels = {p.label for p in decided.parameters if p.distribution.n_values != 1}
        texts = [text for text in self.texts if _split(text, self._space)[0] in open_labels]
        return Beliefs(texts, self._space) if texts else None


def belief_texts(believe: str | Sequence[str] | Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return beliefs as texts.

    Parameters
    ----------
    believe : str, sequence of str, mapping or None
        One or several texts; or by label a value, a pair (low, high) for a number, or a list of options.
    """
    if believe is None:
        return ()
    if isinstance(believe, str):
        return (believe,)
    if not isinstance(believe, Mapping):
        return tuple(believe)
    texts = []
    for label, value in believe.items():
        if isinstance(value, tuple) and len(value) == 2:
            text = f"{value[0]}..{value[1]}"
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        texts.append(f"{label} ~ {text}")
    return tuple(texts)


def _split(text: Any, space: Space) -> tuple[str, str]:
    """Return the label and the rest of a belief; a label may itself contain the sign."""
    parts = str(text).split("~")
    for i in range(1, len(parts)):
        label, value = "~".join(parts[:i]).strip(), "~".join(parts[i:]).strip()
        if label in space.nodes and value:
            return label, value
    if len(parts) < 2 or not parts[1].strip():
        raise ConfigurationError(
            f"{shown(text)} is not a belief; write LABEL ~ VALUE, such as 'lr ~ 1e-3' or 'lr ~ 1e-4..1e-2'."
        )
    label, labels = parts[0].strip(), list(space.nodes)
    raise ConfigurationError(
        f"The belief {shown(text)} is about {named(label)}, but the space has no parameter of that name"
        f"{did_you_mean(label, labels)}; it has {', '.join(map(repr, labels)) or 'none at all'}."
    )


def _number(node: Number, value: str, text: str) -> NumberBelief:
    """Return the belief in a number or in a range."""
    low, is_range, high = value.partition("..")
    bounds = [_value(node, part.strip(), text) for part in ((low, high) if is_range else (value,))]
    if bounds[0] > bounds[-1]:
        raise ConfigurationError(f"The belief {shown(text)} has a lower end above the upper one.")
    axes = Axes([axis(node.distribution)])
    x = axes.coordinates(np.array([bounds]))[0]
    mean = float(x.mean())
    width = _RANGE_WIDTH * float(x[-1] - x[0]) if is_range else WIDTH
    half_bin = float(axes.half_bins(np.array([bounds[:1]]))[0, 0])
    return NumberBelief(axes=axes, mean=mean, sigma=max(width, half_bin, _LEAST_WIDTH))


def _value(node: Number, value: str, text: str) -> float:
    """Return a believed number, at the nearest value that can occur."""
    distribution = node.distribution
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigurationError(
            f"The belief {shown(text)} is no number, although {named(node.label)} is one; "
            "write a value, or a range such as 1e-4..1e-2."
        )
    if isinstance(distribution, Integer):
        least, greatest = float(distribution.low), float(distribution.high - 1)
    else:
        least, greatest = distribution.support()
    slack = 1e-9 * (abs(least) + abs(greatest))
    if not least - slack <= number <= greatest + slack:
        raise ConfigurationError(
            f"The belief {shown(text)} is out of the range of {named(node.label)}, "
            f"{bounds_text(distribution)}."
        )
    return min(max(number, least), greatest)


def _options(node: Choice, value: str, text: str) -> ChoiceBelief:
    """Return the belief in some options, given by their names."""
    prior = np.array(node.distribution.probabilities)
    names = [str(option) for option in readable_options(node.options)]
    wanted = np.zeros(len(prior), dtype=bool)
    for part in [value] if value in names else [one.strip() for one in value.split(",")]:
        found = np.array([name == part for name in names]) & (prior > 0)
        if not found.any():
            raise ConfigurationError(
                f"The belief {shown(text)} names {shown(part)}, which is no option of {named(node.label)}"
                f"{did_you_mean(part, names)}; they are {', '.join(names)}."
            )
        wanted |= found
    share = prior[wanted].sum()
    return ChoiceBelief(
        probabilities=np.where(wanted, prior / share, 0.0),
        log_ratios=np.log(np.where(wanted, (1 - _DOUBT) / share, 0.0) + _DOUBT),
    )
