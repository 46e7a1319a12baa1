"""A search in MLflow: a parent run for the search, and a run below it for each finished trial."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import State
from hpsearch.errors import TargetUnavailableError
from hpsearch.integrations.mirror.trial_content import REPORT, TrialContent
from hpsearch.runtime.escaping import one_line, reason

#: Tags of our runs: the search, with the time of its creation, and the number of the trial.
_SEARCH, _TRIAL = "hpsearch.search", "hpsearch.trial"

#: MLflow's tag of the run above.
_PARENT = "mlflow.parentRunId"

#: Limits of one request of MLflow's REST interface, and of a parameter's text.
_MAX_PARAMS, _MAX_METRICS, _MAX_TEXT = 100, 1_000, 6_000

#: Characters that MLflow does not accept in names.
_OTHER = re.compile(r"[^\w\-. :/]", re.ASCII)

#: Runs that are read together.
_PAGE = 1_000

#: How a run ends by the state of its trial.
_STATUS = {State.DONE: "FINISHED", State.FAILED: "FAILED", State.PRUNED: "KILLED"}

#: MLflow's own patience, unless the user sets it: the mirror repeats calls itself.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class MlflowTarget:
    """A ``Target`` in MLflow.

    Parameters
    ----------
    search : Experiment
        The search.
    uri : str or None
        Of the tracking server; by default as MLflow finds it (``MLFLOW_TRACKING_URI``).
    name : str
        Of the experiment in MLflow.
    """

    def __init__(self, search: Experiment, uri: str | None, name: str) -> None:
        for variable, value in _PATIENCE.items():
            os.environ.setdefault(variable, value)
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=uri)
        self._search, self._name = search, name
        created = search.created_at.isoformat() if search.created_at else ""
        self._identity = f"{search.exp_key} {created}".strip()
        self._experiment_id, self._parent_id = "", ""

    def known(self) -> set[int]:
        """Return the trials with a run that has ended; delete runs that were cut off."""
        with _mapped():
            self._experiment_id = self._found_experiment()
            self._parent_id = self._found_parent()
            found = set[int]()
            for run in self._runs(f"tags.`{_SEARCH}` = '{self._identity}' AND tags.`{_TRIAL}` LIKE '%'"):
                if run.info.status == "RUNNING":
                    self._client.delete_run(run.info.run_id)
                else:
                    found.add(int(run.data.tags[_TRIAL]))
            return found

    def write(self, content: TrialContent) -> None:
        """Add a run for a trial; it counts as written once it has ended."""
        from mlflow.entities import Metric, Param, RunTag

        trial = content.trial
        with _mapped():
            ended = _milliseconds(trial.finished_at)
            run = self._client.create_run(
                self._experiment_id,
                start_time=_milliseconds(trial.claimed_at) or ended,
                run_name=f"{self._search.exp_key}-{trial.tid}",
                tags={_SEARCH: self._identity, _TRIAL: str(trial.tid), _PARENT: self._parent_id},
            )
            run_id, at = run.info.run_id, ended or 0
            tags = {"state": str(trial.state), "origin": trial.origin}
            if trial.error is not None:
                tags["error"] = trial.error.text
            if trial.pruned is not None:
                tags["pruned"] = trial.pruned
            params = [Param(_name(key), _text(value)) for key, value in content.params.items()]
            metrics = [Metric(_name(key), value, at, 0) for key, value in content.metrics.items()]
            metrics += [Metric(REPORT, value, at, round(step)) for step, value in content.curve]
            texts = [RunTag(key, _text(value)) for key, value in tags.items()]
            self._client.log_batch(run_id, tags=texts)
            for part in _parts(params, _MAX_PARAMS):
                self._client.log_batch(run_id, params=part)
            for part in _parts(metrics, _MAX_METRICS):
                self._client.log_batch(run_id, metrics=part)
            self._client.set_terminated(run_id, _STATUS[trial.state], ended)

    def _found_experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._name)
        return str(found.experiment_id if found else self._client.create_experiment(self._name))

    def _found_parent(self) -> str:
        for run in self._runs(f"tags.`{_SEARCH}` = '{self._identity}'"):
            if _TRIAL not in run.data.tags:
                return str(run.info.run_id)
        run = self._client.create_run(
            self._experiment_id, run_name=self._search.exp_key, tags={_SEARCH: self._identity}
        )
        self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _runs(self, condition: str) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id], condition, max_results=_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # MLflow's stores raise errors of their own, of requests, and of the operating system.
        raise TargetUnavailableError(f"MLflow cannot be used: {one_line(reason(error), 300)}.") from error


def _name(text: str) -> str:
    """Return a name that MLflow accepts."""
    return _OTHER.sub("_", text)


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def _parts(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else round(time.timestamp() * 1000)
