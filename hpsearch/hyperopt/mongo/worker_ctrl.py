"""Evaluates objectives that receive more than a configuration, on a worker."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, NoReturn

from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.engine.ctrl import Ctrl
from hpsearch.hyperopt.engine.documents import JOB_STATE_RUNNING, Doc, new_doc, new_misc
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.objective.current_trial import CurrentTrial, current_trial


class ExpressionObjective:
    """Calls an objective with ``expr``, ``memo`` and ``ctrl``, or with a ``Ctrl`` in its configuration.

    It ignores the configuration from the worker and evaluates the space again, as the script's
    process would.

    Parameters
    ----------
    domain : Domain
        Objective and space of the script.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __call__(self, config: Any) -> Any:
        """Evaluate the current trial."""
        trial = current_trial()
        return self._domain.evaluate_async(trial.values, WorkerCtrl(trial, list(self._domain.params)))


class WorkerCtrl(Ctrl):
    """Hyperopt's ``Ctrl`` on a worker: access to the trial under evaluation, but to no other.

    Parameters
    ----------
    trial : CurrentTrial
        The trial under evaluation.
    labels : list of str
        The labels of all parameters of the space.
    """

    def __init__(self, trial: CurrentTrial, labels: list[str]) -> None:
        super().__init__(None, current_trial=_doc(trial, labels))
        self._trial = trial
        self._attachments = _Attachments(trial)
        self._n_checkpoints = 0

    @property
    def attachments(self) -> MutableMapping[str, bytes]:
        """The attachments that this evaluation made."""
        return self._attachments

    def checkpoint(self, r: Any = None) -> None:
        """Store a preliminary result; its loss is sent immediately as a report."""
        super().checkpoint(r)
        if isinstance(r, dict) and "loss" in r:
            self._trial.report(self._n_checkpoints, r["loss"])
            self._n_checkpoints += 1

    def inject_results(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise ``ConfigurationError``: only the coordinator adds trials."""
        raise ConfigurationError(
            "ctrl.inject_results() is not possible on a worker, since only fmin adds trials; "
            "return the extra results as part of the result."
        )


class _Attachments(MutableMapping[str, bytes]):
    """The attachments of one evaluation, each sent when it is set."""

    def __init__(self, trial: CurrentTrial) -> None:
        self._trial = trial
        self._made: dict[str, bytes] = {}

    def __setitem__(self, name: str, data: bytes) -> None:
        self._trial.attach(name, data)
        self._made[name] = data

    def __getitem__(self, name: str) -> bytes:
        return self._made[name]

    def __delitem__(self, name: str) -> NoReturn:
        raise ConfigurationError(f"The attachment {name!r} was sent already; a worker cannot delete it.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _doc(trial: CurrentTrial, labels: list[str]) -> Doc:
    """Return the current trial as a document."""
    misc = new_misc(trial.tid, trial.values, labels)
    doc = new_doc(trial.tid, None, {"status": "new"}, misc, trial.exp_key)
    return {**doc, "state": JOB_STATE_RUNNING}
