"""``hpsearch.load``: a search in a database, for notebooks and scripts that look at results."""

from __future__ import annotations

import functools
import os
import weakref
from contextlib import ExitStack
from typing import Any, Self

from hpsearch.core.experiment import Experiment
from hpsearch.core.html import ranked_table
from hpsearch.core.trial import Trial
from hpsearch.errors import ConfigurationError, MissingExtraError, NotFoundError
from hpsearch.mongod import private_mongod
from hpsearch.report.picture import Picture
from hpsearch.report.plotdata.kinds import KINDS, Kind
from hpsearch.report.progress_reading import full_trials, read_standing
from hpsearch.report.read_search import read_search
from hpsearch.report.trial_columns import all_columns, trial_rows
from hpsearch.runtime.html import element, joined
from hpsearch.runtime.spelling import did_you_mean
from hpsearch.space.tree import Space
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.protocol import TrialStore, TrialSummary

#: Seconds for which to try to reach the database, and the variable with its URI.
_PATIENCE_S, _STORE = 10.0, "HPSEARCH_STORE"

#: The best trials that the summary of a search lists.
_MAX_TRIALS = 5

#: What is drawn unless the user chooses.
_OVERVIEW = ("history", "importance", "slice", "branches")
_OVERVIEW_OF_SEVERAL = ("front", "growth", "importance", "parallel")


def load(store: str | TrialStore | None, exp_key: str) -> StoredSearch:
    """Open a search to look at it; nothing that this returns changes the search.

    Parameters
    ----------
    store : str, TrialStore or None
        A MongoDB URI, or an open store. None for the URI in HPSEARCH_STORE, or without that for the private
        MongoDB of this machine, which is started if it is not running.
    exp_key : str
        Name of the search.

    Returns
    -------
    StoredSearch
        The search as it is now.

    Raises
    ------
    NotFoundError
        If there is no such search; suggests a similar name.
    ConfigurationError, StorePermissionError, StoreUnavailableError
        If the URI is invalid, or the database rejects the user or cannot be reached.

    Examples
    --------
    >>> search = hpsearch.load("mongodb://localhost/hpsearch", "cifar")  # doctest: +SKIP
    >>> search.best_params  # doctest: +SKIP
    {'lr': 0.00134, 'optimizer': 'adam'}
    >>> search.plot("history")  # doctest: +SKIP
    """
    with ExitStack() as stack:
        opened = _opened(store, stack) if store is None or isinstance(store, str) else store
        return StoredSearch(opened, _found(opened, exp_key), stack.pop_all())


class StoredSearch:
    """A search as it was when it was loaded; ``refresh`` reads it again.

    Parameters
    ----------
    store : TrialStore
        The store of the search.
    experiment : Experiment
        The search.
    resources : ExitStack, optional
        Closed by ``close``, or when the search is no longer referenced.
    """

    def __init__(self, store: TrialStore, experiment: Experiment, resources: ExitStack | None = None) -> None:
        self._store, self._experiment = store, experiment
        self._close = weakref.finalize(self, (resources or ExitStack()).close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.trials)

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {state}" for state, n in self._summary.counts.items() if n)
        return f"<search {self._experiment.exp_key}, {self._experiment.state}: {counts or 'no trials'}>"

    def close(self) -> None:
        """Close the connection; what was read stays."""
        self._close()

    def refresh(self) -> Self:
        """Read the search again at the next use, and return it."""
        self._experiment = self._store.experiment(self._experiment.exp_key)
        for name in ("space", "trials", "_summary"):
            self.__dict__.pop(name, None)
        return self

    @property
    def experiment(self) -> Experiment:
        """State, algorithm, limits and all else that is known of the search but its trials."""
        return self._experiment

    @functools.cached_property
    def space(self) -> Space:
        """The search space; functions and classes in it are shown as text."""
        return Space.from_json(self._experiment.space)

    @functools.cached_property
    def trials(self) -> list[Trial]:
        """All trials by number."""
        return list(self._store.trials(self._experiment.exp_key))

    def trial(self, tid: int) -> Trial:
        """Return the trial with a number, as it is now.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        return self._store.trial(self._experiment.exp_key, tid)

    @property
    def n_trials(self) -> dict[str, int]:
        """Number of valid trials by state."""
        return {str(state): n for state, n in self._summary.counts.items()}

    @property
    def best(self) -> Trial:
        """The valid trial with the lowest loss that keeps all limits; with several objectives, the knee.

        Raises
        ------
        NotFoundError
            If there is none yet.
        """
        if self._experiment.has_several_objectives:
            standing = read_standing(self._store, self._experiment)
            knee = None if standing is None or standing.front is None else standing.front.knee
            if knee is None:
                raise NotFoundError(f"No trial of {self._experiment.exp_key} is on the front yet.")
            return self.trial(knee.tid)
        if self._summary.best is None:
            raise NotFoundError(f"No trial of {self._experiment.exp_key} has a loss yet.")
        return self.trial(self._summary.best.tid)

    @property
    def front(self) -> list[Trial]:
        """With several objectives, the trials that no other one beats in all of them, by the first one.

        Raises
        ------
        ConfigurationError
            If the search has one objective.
        """
        standing = read_standing(self._store, self._experiment)
        if standing is None or standing.front is None:
            raise ConfigurationError(f"{self._experiment.exp_key} has one objective, so there is no front.")
        return full_trials(self._store, standing.front.trials)

    @property
    def best_value(self) -> float:
        """The best loss, or the best value of the metric that the search maximises; raises as ``best``."""
        loss = self.best.loss
        if loss is None:
            raise ConfigurationError("There are several objectives; see best.losses.")
        return self._experiment.goal.value(loss)

    @property
    def best_params(self) -> dict[str, Any]:
        """The readable parameters of the best trial; raises as ``best``."""
        return dict(self.best.params)

    @property
    def best_config(self) -> Any:
        """The configuration that the objective received in the best trial; raises as ``best``."""
        return self.space.config(self.best.values)

    def to_frame(self) -> Any:
        """Return one row for each trial as a pandas DataFrame: its fields, parameters and metrics.

        The option None is the text "None"; an inactive parameter is missing (NaN).

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("to_frame()", "frame") from error
        experiment = self._experiment
        columns = all_columns(self.trials, self.space.labels, experiment.goal, experiment.outcomes)
        rows = trial_rows(self.trials, columns)
        return pandas.DataFrame(rows, columns=[column.title for column in columns]).set_index("tid")

    def plot(self, kind: str | None = None, *parameters: str) -> Picture:
        """Return a picture of the search as it is now; a notebook shows it.

        Parameters
        ----------
        kind : str, optional
            "front", "growth", "history", "importance", "effect", "slice", "branches", "parallel", "contour",
            "sampling", "distribution", "curves" or "timeline"; by default an overview of four.
        *parameters : str
            Labels of the parameters to show; by default those that matter most.

        Raises
        ------
        ConfigurationError
            If the kind or a parameter is unknown, or the kind shows all parameters.
        MissingExtraError
            If matplotlib is not installed.
        """
        overview = _OVERVIEW_OF_SEVERAL if self._experiment.has_several_objectives else _OVERVIEW
        chosen = [_kind(name) for name in ((kind,) if kind else overview)]
        if parameters and not chosen[0].takes_parameters and kind:
            raise ConfigurationError(f"The picture {kind!r} has no choice of parameters; leave them out.")
        for label in parameters:
            if label not in self.space.labels:
                hint = did_you_mean(label, self.space.labels)
                raise ConfigurationError(f"The search has no parameter {label!r}{hint}.")
        needs = {need for one in chosen for need in one.needs}
        source = read_search(self._store, self._experiment, needs, parameters)
        figures = [one.build((source,)) for one in chosen]
        # An overview leaves out what there is not.
        return Picture([figure for figure in figures if figure.panels] or figures[:1])

    @functools.cached_property
    def _summary(self) -> TrialSummary:
        return self._store.summaries([self._experiment.exp_key])[self._experiment.exp_key]

    def _repr_html_(self) -> str:
        counts = [f"{n} {state}" for state, n in self._summary.counts.items() if n]
        if self._summary.n_invalid:
            counts.append(f"{self._summary.n_invalid} invalid")
        why = f" ({self._experiment.ended_why})" if self._experiment.ended_why else ""
        head = element(
            "div",
            "Search ",
            element("b", self._experiment.exp_key),
            f", {self._experiment.state}{why}: {', '.join(counts) or 'no trials'}",
        )
        best = list(self._store.trials(self._experiment.exp_key, sort="loss", limit=_MAX_TRIALS))
        if not best:
            return head
        goal = self._experiment.goal
        rows = [(trial.tid, goal.value(trial.loss), trial.params) for trial in best if trial.loss is not None]
        return joined([head, ranked_table(rows, self.space.labels, goal.name)])


def _kind(name: str) -> Kind:
    if name in KINDS:
        return KINDS[name]
    hint = did_you_mean(name, list(KINDS))
    raise ConfigurationError(f"There is no picture {name!r}{hint}; there are: {', '.join(KINDS)}.")


def _opened(uri: str | None, resources: ExitStack) -> TrialStore:
    chosen = uri or os.environ.get(_STORE) or resources.enter_context(private_mongod()).uri
    store = MongoStore.connect(chosen, patience=Patience(_PATIENCE_S))
    resources.callback(store.close)
    return store


def _found(store: TrialStore, exp_key: str) -> Experiment:
    try:
        return store.experiment(exp_key)
    except NotFoundError:
        known = [experiment.exp_key for experiment in store.experiments(omit_space=True)]
        hint = (
            did_you_mean(exp_key, known)
            or f"; there are {len(known)}, such as {', '.join(known[-5:]) or '-'}"
        )
        raise NotFoundError(f"There is no search {exp_key!r} in this database{hint}.") from None
