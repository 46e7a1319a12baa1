"""Reads a study from a file of Optuna's ``JournalFileBackend``: a line for each operation, in order.

Processes append operations without a lock on the study, so some are void: all readers ignore what they say
about a trial that has ended, and a distribution that contradicts an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from hpsearch.errors import LoadError
from hpsearch.integrations.optuna.study import (
    ENDED,
    Distribution,
    Options,
    Range,
    Study,
    StudyTrial,
    TrialState,
    chosen_study,
    suggested,
    time_of,
)
from hpsearch.runtime.escaping import reason


class _Op(IntEnum):
    CREATE_STUDY = 0
    DELETE_STUDY = 1
    SET_STUDY_USER_ATTR = 2
    CREATE_TRIAL = 4
    SET_TRIAL_PARAM = 5
    SET_TRIAL_STATE_VALUES = 6
    SET_TRIAL_INTERMEDIATE_VALUE = 7
    SET_TRIAL_USER_ATTR = 8
    SET_TRIAL_SYSTEM_ATTR = 9


#: Optuna's number of the direction "maximize".
_MAXIMIZE = 2


def read_journal(path: Path, name: str | None = None) -> Study:
    """Return a study of a journal file.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        Of the study; by default the only one.

    Raises
    ------
    LoadError
        If the file cannot be read or has no such study.
    """
    replay = _Replay()
    try:
        with path.open(encoding="utf-8") as lines:
            replay.all(lines)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LoadError(f"{path} cannot be read as a journal of Optuna: {reason(error)}.") from error
    by_name = {study.name: key for key, study in replay.studies.items()}
    key = by_name[chosen_study(list(by_name), name)]
    trials = [replay.trials[trial] for trial in replay.trials_of[key]]
    return replace(replay.studies[key], trials=trials)


class _Replay:
    """The state after the operations so far."""

    def __init__(self) -> None:
        self.studies: dict[int, Study] = {}
        self.trials: list[StudyTrial] = []
        self.trials_of: dict[int, list[int]] = {}  #: indices of the trials of each study
        self._study_of: list[int] = []
        self._n_studies = 0
        self._first: dict[tuple[int, str], Distribution] = {}  #: of each parameter of a study

    def all(self, lines: Iterable[str]) -> None:
        """Perform the operations of a file; its last line may be cut off."""
        for line in lines:
            if line.endswith("\n"):
                self._perform(json.loads(line))

    def _perform(self, log: Mapping[str, Any]) -> None:
        op = log["op_code"]
        if op == _Op.CREATE_STUDY:
            self._create_study(log)
        elif op == _Op.CREATE_TRIAL:
            if log["study_id"] in self.studies:
                self._create_trial(log)
        elif op == _Op.DELETE_STUDY:
            self.studies.pop(log["study_id"], None)
        elif op == _Op.SET_STUDY_USER_ATTR:
            if log["study_id"] in self.studies:
                study = self.studies[log["study_id"]]
                more = {**study.user_attrs, **log["user_attr"]}
                self.studies[log["study_id"]] = replace(study, user_attrs=more)
        elif op >= _Op.SET_TRIAL_PARAM and log["trial_id"] < len(self.trials):
            trial = self.trials[log["trial_id"]]
            if trial.state not in ENDED:
                self.trials[log["trial_id"]] = self._changed(trial, log)

    def _create_study(self, log: Mapping[str, Any]) -> None:
        if log["study_name"] in {study.name for study in self.studies.values()}:
            return
        maximizes = tuple(direction == _MAXIMIZE for direction in log["directions"])
        self.studies[self._n_studies] = Study(name=log["study_name"], maximizes=maximizes, trials=())
        self.trials_of[self._n_studies] = []
        self._n_studies += 1

    def _create_trial(self, log: Mapping[str, Any]) -> None:
        study = log["study_id"]
        distributions = log.get("distributions") or {}
        params = {
            label: suggested(stored, distributions[label])
            for label, stored in (log.get("params") or {}).items()
        }
        for label, one in params.items():
            self._first.setdefault((study, label), one.distribution)
        value = log.get("value")
        values = log.get("values") or ([] if value is None else [value])
        self.trials_of[study].append(len(self.trials))
        self._study_of.append(study)
        self.trials.append(
            StudyTrial(
                number=len(self.trials_of[study]) - 1,
                state=TrialState(log.get("state", TrialState.RUNNING)),
                params=params,
                values=tuple(values),
                reports={int(step): v for step, v in (log.get("intermediate_values") or {}).items()},
                started_at=time_of(log["datetime_start"]),
                ended_at=time_of(log.get("datetime_complete")),
                user_attrs=log.get("user_attrs") or {},
                system_attrs=log.get("system_attrs") or {},
            )
        )

    def _changed(self, trial: StudyTrial, log: Mapping[str, Any]) -> StudyTrial:
        """Return a trial after an operation on it."""
        match log["op_code"]:
            case _Op.SET_TRIAL_PARAM:
                label, one = log["param_name"], suggested(log["param_value_internal"], log["distribution"])
                first = self._first.setdefault((self._study_of[log["trial_id"]], label), one.distribution)
                if not _are_compatible(first, one.distribution):
                    return trial
                return replace(trial, params={**trial.params, label: one})
            case _Op.SET_TRIAL_STATE_VALUES:
                return replace(
                    trial,
                    state=TrialState(log["state"]),
                    values=tuple(log["values"] or trial.values),
                    started_at=time_of(log.get("datetime_start")) or trial.started_at,
                    ended_at=time_of(log.get("datetime_complete")) or trial.ended_at,
                )
            case _Op.SET_TRIAL_INTERMEDIATE_VALUE:
                return replace(trial, reports={**trial.reports, log["step"]: log["intermediate_value"]})
            case _Op.SET_TRIAL_USER_ATTR:
                return replace(trial, user_attrs={**trial.user_attrs, **log["user_attr"]})
            case _Op.SET_TRIAL_SYSTEM_ATTR:
                return replace(trial, system_attrs={**trial.system_attrs, **log["system_attr"]})
        return trial


def _are_compatible(first: Distribution, other: Distribution) -> bool:
    """Whether Optuna accepts both distributions for one parameter."""
    if isinstance(first, Range) and isinstance(other, Range):
        return (first.is_log, first.is_integer) == (other.is_log, other.is_integer)
    return isinstance(first, Options) and first == other
