"""Keeps an evaluator from everything that ``--allow`` does not admit."""

from __future__ import annotations

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Result, Trial
from hpsearch_worker.allowed import Allowed
from hpsearch_worker.evaluator import Evaluator, Watch
from hpsearch_worker.messages import OnEvent


class AllowedOnly:
    """An evaluator that refuses what is not allowed, before anything of it is loaded.

    Parameters
    ----------
    allowed : Allowed
        What may be run.
    evaluator : Evaluator
        Evaluates that.
    """

    def __init__(self, allowed: Allowed, evaluator: Evaluator) -> None:
        self._allowed = allowed
        self._evaluator = evaluator

    def prepare(self, experiment: Experiment, watch: Watch) -> None:
        """Load an experiment if it is allowed; see ``Evaluator``."""
        self._evaluator.prepare(self._allowed.narrowed(experiment), watch)

    def evaluate(self, trial: Trial, experiment: Experiment, watch: Watch, on_event: OnEvent) -> Result:
        """Evaluate a trial if its experiment is allowed; see ``Evaluator``."""
        return self._evaluator.evaluate(trial, self._allowed.narrowed(experiment), watch, on_event)

    def close(self) -> None:
        """End what was started."""
        self._evaluator.close()
