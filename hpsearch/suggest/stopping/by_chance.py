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

    def fields(
        self, table: RungTable, chain: Chain | None, sign: float, end: float | None
    ) -> dict[str, Any] | None:
        """Return the rule's part of a policy; None while nothing can be predicted.

        Parameters
        ----------
        table : RungTable
            What the trials reported.
        chain : Chain, optional
            The model of their curves; None while there is none.
        sign : float
            -1 where higher reported values are better; not used.
        end : float, optional
            Last step of a full trial; not used.
        """
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
    found, tids = chain.predict(table), table.tids
    rows = np.flatnonzero(table.is_running & (found.means < goal))
    rivals: list[list[float]] = []
    for row in rows[np.lexsort((found.means[rows], -found.last[rows]))].tolist():
        mean = float(found.means[row])
        if rivals and mean >= rivals[-1][2]:
            continue
        loss = float(chain.loss_scale.values(mean))
        rivals.append([int(found.last[row]), int(tids[row]), mean, float(found.variances[row]), loss])
    return rivals
