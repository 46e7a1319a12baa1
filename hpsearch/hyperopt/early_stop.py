"""Hyperopt's ``early_stop``: rules that end a search early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpsearch.hyperopt.engine.documents import FINAL_STATES, is_ok

__all__ = ["no_progress_loss"]


def no_progress_loss(
    iteration_stop_count: int = 20, percent_increase: float = 0.0
) -> Callable[..., tuple[bool, list[Any]]]:
    """Return a rule that ends a search when the best loss stops improving.

    Parameters
    ----------
    iteration_stop_count : int
        Number of finished trials without improvement; the first trial and failed ones count.
    percent_increase : float
        Required improvement, in percent of the absolute best loss.

    Returns
    -------
    callable
        Rule for ``fmin(..., early_stop_fn=...)``.
    """

    def stop_fn(
        trials: Any, best_loss: float | None = None, n_without: int = 0, n_seen: int = 0
    ) -> tuple[bool, list[Any]]:
        docs, had_loss = trials.trials, best_loss is not None
        # Count trials in order, up to the first unfinished one.
        while n_seen < len(docs) and docs[n_seen]["state"] in FINAL_STATES:
            doc, n_seen = docs[n_seen], n_seen + 1
            loss = float(doc["result"]["loss"]) if is_ok(doc) else None
            is_first = loss is not None and best_loss is None
            is_better = (
                loss is not None
                and best_loss is not None
                and loss < best_loss - abs(best_loss * percent_increase / 100)
            )
            n_without = 0 if is_better else n_without + 1
            best_loss = loss if is_first or is_better else best_loss
        has_first_loss = not had_loss and best_loss is not None  # the first loss always counts as progress
        is_over = n_without >= iteration_stop_count and not has_first_loss
        return is_over, [best_loss, n_without, n_seen]

    return stop_fn
