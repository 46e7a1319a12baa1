"""Objectives that ask for more than a configuration, called by a worker."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, NoReturn

from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.engine.documents import JOB_STATE_RUNNING, Doc, new_doc, new_misc
from hpsearch.hyperopt.engine.domain import Ctrl, Domain
from hpsearch.objective.evaluation import CurrentTrial, current_trial


class ExpressionObjective:
    """Calls an objective with ``expr``, ``memo`` and ``ctrl``, or with a ``Ctrl`` in its configuration.

    The configuration that a worker computes is not used: the space is evaluated here again, as
    in the process of the script.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __call__(self, config: Any) -> Any:
        """Evaluate the current trial."""
        trial = current_trial()
        return self._domain.evaluate_async(trial.values, WorkerCtrl(trial, list(self._domain.params)))


class WorkerCtrl(Ctrl):
    """What one evaluation may ask of the search, on a worker: its own trial, but not the others.

    Parameters
    ----------
    trial : CurrentTrial
        The one under evaluation.
    labels : list of str
        Of all parameters of the space.
    """

    def __init__(self, trial: CurrentTrial, labels: list[str]) -> None:
        super().__init__(None, current_trial=_doc(trial, labels))
        self._trial = trial
        self._attachments = _Attachments(trial)
        self._n_checkpoints = 0

    @property
    def attachments(self) -> MutableMapping[str, bytes]:
        """The attachments of the current trial: those that this evaluation makes."""
        return self._attachments

    def checkpoint(self, r: Any = None) -> None:
        """Keep a preliminary result; its loss is recorded as a report, which is seen at once."""
        super().checkpoint(r)
        if isinstance(r, dict) and "loss" in r:
            self._trial.report(self._n_checkpoints, r["loss"])
            self._n_checkpoints += 1

    def inject_results(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: only the coordinator adds trials."""
        raise ConfigurationError(
            "ctrl.inject_results() is not possible on a worker, since only fmin adds trials; "
            "return what was found as a part of the result."
        )


class _Attachments(MutableMapping[str, bytes]):
    """What one evaluation attached, sent on as it comes."""

    def __init__(self, trial: CurrentTrial) -> None:
        self._trial = trial
        self._made: dict[str, bytes] = {}

    def __setitem__(self, name: str, data: bytes) -> None:
        self._trial.attach(name, data)
        self._made[name] = data

    def __getitem__(self, name: str) -> bytes:
        return self._made[name]

    def __delitem__(self, name: str) -> NoReturn:
        raise ConfigurationError(f"The attachment {name!r} was sent already; a worker cannot take it back.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _doc(trial: CurrentTrial, labels: list[str]) -> Doc:
    """Return the current trial as a document."""
    misc = new_misc(trial.tid, trial.values, labels)
    doc = new_doc(trial.tid, None, {"status": "new"}, misc, trial.exp_key)
    return {**doc, "state": JOB_STATE_RUNNING}
