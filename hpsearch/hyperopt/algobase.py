"""Hyperopt's ``algobase``: the base class of algorithms that evaluate the graph of a domain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from hpsearch.hyperopt import pyll
from hpsearch.hyperopt.engine.documents import Doc, miscs_update_idxs_vals
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.pyll.evaluation import ExprEvaluator
from hpsearch.hyperopt.pyll.graph import Apply

__all__ = ["ExprEvaluator", "SuggestAlgo", "miscs_update_idxs_vals", "pyll"]


class SuggestAlgo(ExprEvaluator):
    """Base class of an algorithm; it overrides ``on_node_hyperparameter`` to draw each parameter.

    Parameters
    ----------
    domain : Domain
        Objective and space.
    trials : Trials
        Known trials.
    seed : int
        Seed of the draws, together with the number of the trial.

    Attributes
    ----------
    label_by_node : dict
        Label by node, for the nodes that draw a parameter.
    rng : Generator
        Source of randomness of the current call.
    """

    def __init__(self, domain: Domain, trials: Any, seed: int) -> None:
        super().__init__(domain.s_idxs_vals)
        self.domain, self.trials = domain, trials
        self.label_by_node = {node: label for label, node in domain.vh.vals_by_label().items()}
        self._seed = seed
        self.rng = np.random.default_rng(seed)

    def __call__(self, new_id: int) -> list[Doc]:
        """Return a list with the document of one new trial, which is not inserted."""
        self.rng = np.random.default_rng(self._seed + new_id)
        idxs, vals = self._suggested([new_id])
        misc = {"tid": new_id, "cmd": self.domain.cmd, "workdir": self.domain.workdir}
        miscs_update_idxs_vals([misc], idxs, vals)
        docs: list[Doc] = self.trials.new_trial_docs([new_id], [None], [self.domain.new_result()], [misc])
        return docs

    def batch(self, new_ids: Iterable[int]) -> Any:
        """Return suggestions for several trials: by label, trial numbers and values."""
        numbers = list(new_ids)
        self.rng = np.random.default_rng([self._seed, *numbers])
        return self._suggested(numbers)

    def on_node(self, memo: dict[Apply, Any], node: Apply) -> Any:
        """Return the value of a node; parameters are passed to ``on_node_hyperparameter``."""
        if node in self.label_by_node:
            return self.on_node_hyperparameter(memo, node, self.label_by_node[node])
        return super().on_node(memo, node)

    def on_node_hyperparameter(self, memo: dict[Apply, Any], node: Apply, label: str) -> Any:
        """Return the values of a parameter in the trials where it is active; override this method.

        Parameters
        ----------
        memo : dict
            Values by node, including the inputs of ``node``.
        node : Apply
            The distribution with its arguments, ``size`` and ``rng``.
        label : str
            Label of the parameter.
        """
        return super().on_node(memo, node)

    def _suggested(self, new_ids: list[int]) -> Any:
        memo = self.eval_nodes({self.domain.s_new_ids: new_ids, self.domain.s_rng: self.rng})
        return memo[self.expr]
