"""Reads a study through Optuna itself: from any storage that it knows, or an open ``Study``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hpsearch.errors import LoadError
from hpsearch.integrations.optuna.study import Study, StudyTrial, TrialState, chosen_study, suggested
from hpsearch.runtime.escaping import reason


def read_url(url: str, name: str | None = None) -> Study:
    """Return a study of a database that only Optuna can read.

    Parameters
    ----------
    url : str
        As Optuna takes it; never part of a message, since it may have a password.
    name : str, optional
        Of the study; by default the only one.

    Raises
    ------
    LoadError
        If Optuna is not installed, or cannot read it.
    """
    try:
        import optuna
    except ImportError as error:
        raise LoadError(
            "Without Optuna, only SQLite and journal files can be read: install optuna here, or copy the "
            "study into a file with optuna.copy_study."
        ) from error
    try:
        names = optuna.get_all_study_names(url)
        return read_study(optuna.load_study(study_name=chosen_study(names, name), storage=url))
    except LoadError:
        raise
    except Exception as error:  # noqa: BLE001 - Optuna and the driver of the database may raise anything
        # A chained exception might show the URL.
        raise LoadError(f"Optuna cannot read the study: {reason(error).replace(url, 'its URL')}.") from None


def read_study(study: Any) -> Study:
    """Return the values of an ``optuna.Study``."""
    from optuna.study import StudyDirection

    return Study(
        name=study.study_name,
        maximizes=tuple(direction == StudyDirection.MAXIMIZE for direction in study.directions),
        user_attrs=study.user_attrs,
        trials=[_trial(trial) for trial in study.get_trials(deepcopy=False)],
    )


def _trial(trial: Any) -> StudyTrial:
    from optuna.distributions import distribution_to_json

    return StudyTrial(
        number=trial.number,
        state=TrialState(trial.state.value),
        params={
            label: suggested(of.to_internal_repr(trial.params[label]), distribution_to_json(of))
            for label, of in trial.distributions.items()
        },
        values=tuple(trial.values or ()),
        reports=trial.intermediate_values,
        started_at=_utc(trial.datetime_start),
        ended_at=_utc(trial.datetime_complete),
        user_attrs=trial.user_attrs,
        system_attrs=trial.system_attrs,
    )


def _utc(time: datetime | None) -> datetime | None:
    """Return a time of Optuna, which is local and has no zone."""
    return None if time is None else time.astimezone(UTC)
