"""The rules by name, and their options.

``auto`` is in ``by_chance``; ``median``, ``asha`` and ``hyperband`` are in ``by_rank``. ``threshold`` and
``paired`` need no model of curves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.spelling import did_you_mean
from hpsearch.suggest.names import PRUNERS
from hpsearch.suggest.stopping.by_chance import ByChance
from hpsearch.suggest.stopping.by_rank import Asha, Hyperband, Median
from hpsearch.suggest.stopping.evidence import Evidence
from hpsearch.suggest.stopping.options import check_names, require

#: Reports of the best trial with which ``paired`` compares others.
_MAX_PAIRS = 200


class Criterion(Protocol):
    """What distinguishes one rule from another."""

    def fields(self, known: Evidence) -> dict[str, Any] | None:
        """Return the rule's part of a policy; None while it can stop no trial."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Options of ``threshold``."""

    lower: float | None = None  #: values below it stop a trial
    upper: float | None = None  #: values above it stop a trial

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):
            value = getattr(self, name)
            if value is not None:
                require("threshold", name, value, above=-np.inf, below=np.inf, kind="a number")
        if self.lower is None and self.upper is None:
            raise ConfigurationError("The pruner threshold needs the option lower or upper.")

    def fields(self, known: Evidence) -> dict[str, Any]:
        """Return the rule's part of a policy, which depends on no trial; see ``Criterion``."""
        return {"lower": self.lower, "upper": self.upper}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Options of ``paired``."""

    p: float = 0.1  #: p-value of the signed-rank test below which a trial stops

    def __post_init__(self) -> None:
        require("paired", "p", self.p, above=0, below=1, kind="a number from 0 up, below 1")

    def fields(self, known: Evidence) -> dict[str, Any] | None:
        """Return the rule's part of a policy; None before a trial with reports is done; see ``Criterion``."""
        table = known.table
        losses = dict(zip(table.tids.tolist(), table.losses.tolist(), strict=True))
        done = {tid: losses[tid] for tid in table.pairs if losses[tid] < np.inf}
        if not done:
            return None
        best = min(done, key=lambda tid: (done[tid], tid))
        pairs = dict(table.pairs[best])
        reports = [[step, pairs[step]] for step in list(pairs)[:_MAX_PAIRS]]
        return {"p": self.p, "rival": {"tid": best, "reports": reports}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule with the limits of a search."""

    name: str  #: one of ``PRUNERS`` other than "none"
    criterion: Criterion
    max_resource: float | None = None  #: last step of a full trial; by default that of the longest done one
    min_resource: float | None = None  #: step before which no trial stops
    maximize: bool | None = None  #: whether higher reported values are better; found out by default


def make_rule(
    name: str,
    options: Mapping[str, Any],
    max_resource: float | None = None,
    min_resource: float | None = None,
) -> Rule:
    """Return a rule.

    Parameters
    ----------
    name : str
        One of ``PRUNERS`` other than "none".
    options : mapping
        The fields of its class in this package; every rule also has ``maximize``.
    max_resource : float, optional
        Last step of a full trial.
    min_resource : float, optional
        Step before which no trial stops.

    Raises
    ------
    ConfigurationError
        For an unknown rule or option, or a value out of its range.
    """
    criteria: Mapping[str, type[Criterion]] = {
        "auto": ByChance,
        "median": Median,
        "asha": Asha,
        "hyperband": Hyperband,
        "threshold": Threshold,
        "paired": Paired,
    }
    if name not in criteria:
        hint = did_you_mean(name, list(criteria))
        raise ConfigurationError(f"There is no pruner {name!r}{hint}; there are {', '.join(PRUNERS)}.")
    for limit, value in (("max-resource", max_resource), ("min-resource", min_resource)):
        if value is not None and not 0 < value < np.inf:
            raise ConfigurationError(f"--{limit} must be a step above 0, not {value!r}.")
    own = dict(options)
    maximize = own.pop("maximize", None)
    if maximize is not None and not isinstance(maximize, bool):
        raise ConfigurationError(
            f"The option maximize of the pruner {name} must be true or false, not {maximize!r}."
        )
    check_names(name, own, criteria[name])
    return Rule(
        name=name,
        criterion=criteria[name](**own),
        max_resource=max_resource,
        min_resource=min_resource,
        maximize=maximize,
    )
