"""The rule ``auto``: stop trials that are unlikely to become the best.

The limit of the chance grows with the step, since early predictions reach far. The trial must beat the best
loss, and every running trial that has come as far and is predicted to beat that loss. One trial in twenty
runs to its end, whatever is predicted, so that a chain that was misled early learns better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.suggest.stopping.chain_fit import Chain
from hpsearch.suggest.stopping.evidence import Evidence
from hpsearch.suggest.stopping.options import require
from hpsearch.suggest.stopping.rung_table import RungTable


@dataclass(frozen=True, slots=True, kw_only=True)
class ByChance:
    """Options of ``auto``."""

    delta: float = 0.05  #: chance to become the best below which a trial stops at its last step
    exempt: float = 0.05  #: share of the trials that are never stopped

    def __post_init__(self) -> None:
        require("auto", "delta", self.delta, above=0, below=1, kind="a number from 0 up, below 1")
        require("auto", "exempt", self.exempt, above=0, below=1, kind="a number from 0 up, below 1")

    def fields(self, known: Evidence) -> dict[str, Any] | None:
        """Return the rule's part of a policy; None while nothing can be predicted."""
        table, chain = known.table, known.chain
        if chain is None:
            return None
        losses = table.losses[np.isfinite(table.losses)]
        best = float(losses.min()) if len(losses) else None
        best_scaled = None if best is None else chain.loss_scale.scaled(best)
        return {
            **chain.to_document(),
            "best": best,
            "best_scaled": best_scaled,
            "rivals": _rivals(table, chain, np.inf if best_scaled is None else best_scaled),
            "delta": self.delta,
            "exempt": self.exempt,
        }


def _rivals(table: RungTable, chain: Chain, goal: float) -> list[list[float]]:
    """Return the running trials that may beat the best: rung, number, mean, squared scale, and loss.

    Of those at one rung only the best counts, and only if none that has come further is better.
    """
    found = chain.predict(table, table.is_running)
    tids = table.tids[found.rows]
    rivals: list[list[float]] = []
    for i in np.lexsort((found.means, -found.last)).tolist():
        mean = float(found.means[i])
        if mean < (rivals[-1][2] if rivals else goal):
            loss = float(chain.loss_scale.values(mean))
            rivals.append([int(found.last[i]), int(tids[i]), mean, float(found.variances[i]), loss])
    return rivals
