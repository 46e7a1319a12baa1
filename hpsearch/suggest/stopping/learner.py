"""What a search has learned about stopping: the policy for workers, and predictions for suggesters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpsearch.core.stopping.curve import RungValue
from hpsearch.core.stopping.forecast import Forecast
from hpsearch.core.trial import State
from hpsearch.suggest.stopping.chain_fit import Chain, fit_chain
from hpsearch.suggest.stopping.direction import Direction, find_direction
from hpsearch.suggest.stopping.evidence import Evidence
from hpsearch.suggest.stopping.rules import Rule
from hpsearch.suggest.stopping.rung_table import RungTable

#: Growth of the table from which a new policy is due.
_GROWTH = 1.05
#: Rungs from which on the loss of a running trial is predicted.
_MIN_RUNGS = 3


class Learner:
    """Learns a rule's policy from the trials of a search.

    Parameters
    ----------
    rule : Rule
        The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._table = RungTable()
        self._learned_from = (0, -1)  # values at rungs, and done trials, of the last policy
        self._has_policy = False
        self._chain: Chain | None = None

    def set(
        self,
        tid: int,
        rungs: Sequence[RungValue],
        loss: float | None,
        state: State,
        last: tuple[float, float] | None = None,
        reports: Sequence[tuple[float, float]] = (),
    ) -> None:
        """Set what is known of a trial; may be repeated.

        Parameters
        ----------
        tid : int
            Its number.
        rungs : sequence of RungValue
            All rungs that it reached.
        loss : float, optional
            The loss that it returned; None unless it is done.
        state : State
            Its state.
        last : (float, float), optional
            Its largest step, and the value that it reported last.
        reports : sequence of (float, float)
            All steps and values of a done trial; only ``paired`` needs them.
        """
        self._table.set(tid, rungs, loss, state, last, reports)

    def discard(self, tid: int) -> None:
        """Forget what is known of a trial, such as one whose result is wrong."""
        self._table.discard(tid)

    def policy(self, version: int) -> dict[str, Any] | None:
        """Return a new policy, if one is due.

        Parameters
        ----------
        version : int
            Number of the new policy.

        Returns
        -------
        dict or None
            None before a trial can be stopped, or if little is new since the last policy.
        """
        table = self._table
        n_values, n_done = self._learned_from
        if table.n_done == n_done and table.n_values < _GROWTH * n_values + 1:
            return None
        self._learned_from = table.n_values, table.n_done
        end = self._rule.max_resource or table.longest_done()
        direction = self._direction()
        self._chain = None if direction is None or end is None else fit_chain(table, end, direction)
        sign = 1.0 if direction is None else direction.sign
        fields = self._rule.criterion.fields(Evidence(table=table, chain=self._chain, sign=sign, end=end))
        if fields is None and not self._has_policy:
            return None
        self._has_policy = True
        return {
            "version": version,
            "rule": self._rule.name,
            "max_resource": end,
            "min_resource": self._rule.min_resource,
            "sign": sign,
            "n_done": table.n_done,
            **(fields or {}),  # without them, a policy stops no trial
        }

    def forecasts(self) -> dict[int, Forecast]:
        """Return predicted losses of trials without a loss, by the model of the last policy.

        A running trial has one from its third rung on. A trial that reported nothing, or whose curve
        diverged, has none.
        """
        chain, table = self._chain, self._table
        if chain is None:
            return {}
        is_wanted = np.where(table.is_running, table.n_reached >= _MIN_RUNGS, np.isnan(table.losses))
        found = chain.predict(table, is_wanted)
        known = table.losses[np.isfinite(table.losses)]
        best = known.min() if len(known) else -np.inf
        losses = np.maximum(chain.loss_scale.values(found.means), best)
        uppers = np.maximum(chain.loss_scale.values(found.means + np.sqrt(found.variances)), losses)
        tids = table.tids[found.rows].tolist()
        return {
            tid: Forecast(loss=loss, upper=upper)
            for tid, loss, upper in zip(tids, losses.tolist(), uppers.tolist(), strict=True)
        }

    def _direction(self) -> Direction | None:
        """Return what reported values are, if it is known."""
        table = self._table
        return find_direction(table.last_reports[:, 1], table.losses, maximize=self._rule.maximize)
