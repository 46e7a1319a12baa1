"""The argument ``pruner`` of ``fmin``: which trials are stopped early, by what they report.

On a fleet, the coordinator learns and workers decide. In one process, ``LocalPruning`` does both.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.core.experiment import NO_PRUNER, PruneMode, Pruner
from hpsearch.core.stopping.curve import Curve
from hpsearch.core.stopping.decision import Policy, decide
from hpsearch.core.stopping.forecast import Forecast
from hpsearch.core.trial import Report, State
from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.engine.documents import Doc, is_ok
from hpsearch.objective.checkpoint import Question, ShouldStop
from hpsearch.objective.current_trial import CurrentTrial
from hpsearch.objective.evaluation import STATUS_FAIL
from hpsearch.runtime.events import Event
from hpsearch.suggest.stopping.learner import Learner
from hpsearch.suggest.stopping.rules import make_rule

log = logging.getLogger(__name__)

#: Keys of a mapping that are settings of every pruner; the others are options of its rule.
_SETTINGS = ("name", "max_resource", "min_resource", "mode")


def pruner_of(given: str | Mapping[str, Any] | None) -> Pruner:
    """Return the pruner that an argument names.

    Parameters
    ----------
    given : str, mapping or None
        See ``fmin``.

    Raises
    ------
    ConfigurationError
        If the name, an option or a value is invalid.
    """
    if given is None:
        return NO_PRUNER
    settings: dict[str, Any] = {"name": given} if isinstance(given, str) else dict(given)
    if "name" not in settings:
        raise ConfigurationError("A pruner needs a name, such as pruner={'name': 'asha', 'eta': 4}.")
    try:
        mode = PruneMode(settings.get("mode", PruneMode.ASK))
    except ValueError:
        raise ConfigurationError(f"The mode of a pruner is ask or kill, not {settings['mode']!r}.") from None
    pruner = Pruner(
        name=settings["name"],
        options={name: value for name, value in settings.items() if name not in _SETTINGS},
        max_resource=settings.get("max_resource"),
        min_resource=settings.get("min_resource"),
        mode=mode,
    )
    if pruner.is_on:
        make_rule(pruner.name, pruner.options, pruner.max_resource, pruner.min_resource)
    return pruner if pruner.is_on else NO_PRUNER


def pruned_result(reason: str, reports: Sequence[tuple[float, float]] = ()) -> Doc:
    """Return the result of a trial that was stopped early: it has failed without being an error.

    Parameters
    ----------
    reason : str
        Why it was stopped.
    reports : sequence of (float, float)
        The steps and values that it reported, if they are known.
    """
    last = {"step": reports[-1][0], "last": reports[-1][1]} if reports else {}
    return {"status": STATUS_FAIL, "pruned": True, "message": reason, **last}


def trial_number(tid: Any) -> int:
    """Return the number of a trial for rules and forecasts; libraries may use strings."""
    return tid if isinstance(tid, int) else zlib.crc32(str(tid).encode())


class LocalPruning:
    """Learns from the reports of trials that this process evaluates one by one, and stops some of them.

    Parameters
    ----------
    pruner : Pruner
        The rule.

    Attributes
    ----------
    forecasts : mapping of int to Forecast
        Predicted losses of the pruned trials, by their numbers.

    Raises
    ------
    ConfigurationError
        If the pruner is to end objectives that do not ask, which needs workers.
    """

    def __init__(self, pruner: Pruner) -> None:
        if pruner.mode is PruneMode.KILL:
            raise ConfigurationError("The mode kill of a pruner needs workers: use MongoTrials, or mode ask.")
        self.pruner = pruner
        self.forecasts: Mapping[int, Forecast] = {}
        self._learner = Learner(
            make_rule(pruner.name, pruner.options, pruner.max_resource, pruner.min_resource)
        )
        self._policy: Policy | None = None
        self._curve, self._tid, self._reason = Curve(), 0, ""

    def follow(self, trial: CurrentTrial) -> None:
        """Listen to a trial from its beginning, and answer whether it should stop."""
        self._curve, self._tid, self._reason = Curve(), trial_number(trial.tid), ""
        trial.has_pruner, trial.max_resource = True, self.pruner.max_resource
        trial.on_report, trial.on_question = self._add, self._answer

    def result(self, reason: str) -> Doc:
        """Return the result of the trial if it is stopped.

        Parameters
        ----------
        reason : str
            What the objective says; empty for the verdict.
        """
        return pruned_result(reason or self._reason or "the objective stopped it", self._curve.reports)

    def learn(self, doc: Doc) -> None:
        """Learn from the trial, which has ended.

        Parameters
        ----------
        doc : dict
            Its document.
        """
        loss = float(doc["result"]["loss"]) if is_ok(doc) else None
        pruned = State.PRUNED if doc["result"].get("pruned") else State.FAILED
        step, value = self._curve.last_step, self._curve.last_value
        last = None if step is None or value is None else (step, value)
        state = pruned if loss is None else State.DONE
        try:
            self._learner.set(self._tid, self._curve.rungs, loss, state, last, self._curve.reports)
            version = 1 if self._policy is None else self._policy["version"] + 1
            self._policy = self._learner.policy(version) or self._policy
            self.forecasts = self._learner.forecasts()
        except Exception:  # no defect of a model may end a search
            log.exception("learning when to stop trials failed", extra=Event.PRUNER_FAILED.of(exp_key=""))

    def _add(self, report: Report) -> None:
        self._curve.add(report.step, report.value)
        verdict = decide(self._policy, self._curve, self._tid)
        if verdict is not None and verdict.is_stop:
            self._reason = self._reason or verdict.reason

    def _answer(self, question: Question, timeout_s: float | None) -> str | None:
        """Answer as a worker would; nothing keeps a checkpoint here."""
        return self._reason or None if isinstance(question, ShouldStop) else None
