"""Hyperopt's ``pyll_utils``: the vocabulary under longer names, and the conditions of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hpsearch.hyperopt import hp
from hpsearch.hyperopt.pyll.graph import Apply, as_apply
from hpsearch.space.tree import Space

__all__ = [
    "EQ",
    "Cond",
    "expr_to_config",
    "hp_choice",
    "hp_lognormal",
    "hp_loguniform",
    "hp_normal",
    "hp_pchoice",
    "hp_qlognormal",
    "hp_qloguniform",
    "hp_qnormal",
    "hp_quniform",
    "hp_randint",
    "hp_uniform",
    "hp_uniformint",
]


hp_choice = hp.choice
hp_lognormal = hp.lognormal
hp_loguniform = hp.loguniform
hp_normal = hp.normal
hp_pchoice = hp.pchoice
hp_qlognormal = hp.qlognormal
hp_qloguniform = hp.qloguniform
hp_qnormal = hp.qnormal
hp_quniform = hp.quniform
hp_randint = hp.randint
hp_uniform = hp.uniform
hp_uniformint = hp.uniformint


@dataclass(frozen=True, slots=True)
class Cond:
    """That a parameter has a value."""

    name: str  #: the label
    val: Any  #: the value
    op: str = "="  #: the comparison


def EQ(name: str, val: Any) -> Cond:  # noqa: N802 - Hyperopt's name
    """Return the condition that a choice has one of its options."""
    return Cond(name, val)


def expr_to_config(expr: Any, conditions: tuple[Cond, ...] | None, hps: dict[str, Any]) -> None:
    """Write into ``hps``, by label, the parameters of a space and when each is active.

    Parameters
    ----------
    expr : any
        A space.
    conditions : tuple of Cond or None
        What holds in all of the space.
    hps : dict
        Changed: each entry gets ``node`` (the distribution), ``label`` and ``conditions``, a set
        of tuples of which any one must hold.
    """
    space = Space(as_apply(expr))
    above = tuple(conditions or ())
    for parameter in space.parameters:
        paths = {(*above, *(EQ(c.label, c.option) for c in path)) for path in parameter.paths}
        node = Apply(space.nodes[parameter.label], "dist")
        hps[parameter.label] = {"node": node, "label": parameter.label, "conditions": paths}
