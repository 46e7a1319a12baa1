"""``MongoTrials``: ``Trials`` that MongoDB stores and workers evaluate."""

from __future__ import annotations

import bisect
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from hpsearch.core.experiment import Defaults, Experiment, invalid_exp_key, is_exp_key
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import Trial
from hpsearch.errors import ConfigurationError, NotFoundError, TrialExistsError
from hpsearch.hyperopt.engine.documents import DOMAIN_CMD, STATUS_NEW, Doc, new_misc, spec_from_misc
from hpsearch.hyperopt.engine.fmin_iter import FMinIter
from hpsearch.hyperopt.engine.points import complete_point
from hpsearch.hyperopt.engine.trials import Trials
from hpsearch.hyperopt.migration.job_import import point_of
from hpsearch.hyperopt.mongo.attachments import StoreAttachments
from hpsearch.hyperopt.mongo.changes import ChangeReader
from hpsearch.hyperopt.mongo.documents import ORIGIN, doc_of, labels_of, trial_of
from hpsearch.hyperopt.mongo.fleet_search import search_on_fleet
from hpsearch.hyperopt.mongo.insertion_hooks import (
    INSERTION_HOOKS,
    REFRESH_HOOKS,
    HookedInsertion,
    has_replaced,
)
from hpsearch.hyperopt.mongo.jobs import MongoJobs
from hpsearch.hyperopt.mongo.warm_start import Sources, sources_of
from hpsearch.runtime.events import Event
from hpsearch.space.tree import Space
from hpsearch.space.trust import AS_TEXT, TRUSTED
from hpsearch.store.protocol import TrialStore

logger = logging.getLogger(__name__)

#: Name of the experiment for ``exp_key=None``.
DEFAULT_EXP_KEY = "default"

#: Priority of ``points_to_evaluate``, above that of suggested trials (0).
POINTS_PRIORITY = 1


class MongoTrials(Trials):
    """Trials that MongoDB stores and workers on other machines evaluate.

    Parameters
    ----------
    arg : str or MongoJobs
        ``mongo://host:port/db/jobs``, any MongoDB URI, or an open database.
    exp_key : any, optional
        Name of the experiment; "default" if None.
    cmd, workdir : any
        Accepted for compatibility. ``fmin`` sends the objective to the workers; their folder is
        their own option ``--workdir``.
    refresh : bool
        Whether to read the trials immediately.
    trust_space : bool
        Whether ``best_config`` may import and call the functions that the stored space names.
        By default it shows them as text. After ``fmin`` the space of the script is used.

    Raises
    ------
    ConfigurationError
        If the address is invalid, or ``exp_key`` cannot name an experiment.
    StorePermissionError, StoreUnavailableError
        If the database rejects the user or cannot be reached.
    """

    asynchronous = True

    #: Seconds that running trials get to finish after a limit ends the search.
    grace_s = 30.0

    #: Lease, attempts and timeout of each trial.
    defaults = Defaults()

    #: Suggest trial n from exactly the trials before ``n - lag``, so that the same seed gives the same
    #: search. None: suggest from all finished trials.
    lag: int | None = None

    #: Whether to continue an experiment although the code of its importable objective changed. The
    #: experiment records the change.
    accepts_changed_objective = False

    #: Monotonic clock, in seconds, for the timeout and the grace period.
    clock: Callable[[], float] = time.monotonic

    def __init__(
        self,
        arg: Any,
        exp_key: Any = None,
        cmd: Any = None,
        workdir: Any = None,
        refresh: bool = True,
        *,
        trust_space: bool = False,
    ) -> None:
        if cmd not in (None, DOMAIN_CMD):
            raise ConfigurationError(
                f"cmd={cmd!r} is not supported: workers call the objective passed to fmin; leave cmd out."
            )
        if workdir is not None:
            logger.warning(
                "MongoTrials(workdir=...) is not sent to workers; start them with --workdir.",
                extra=Event.WORKDIR_NOT_SENT.of(),
            )
        self.cmd, self.workdir = cmd, workdir
        self.handle = arg if isinstance(arg, MongoJobs) else MongoJobs.new_from_connection_str(str(arg))
        self._name = experiment_name(exp_key)
        self._points: list[Mapping[str, Any]] = []
        self._sources: Sources = ()
        self._trust = TRUSTED if trust_space else AS_TEXT
        self._insertion: HookedInsertion | None = None
        self._forget_all()
        super().__init__(exp_key=exp_key, refresh=refresh)
        self.attachments = StoreAttachments(self.store, self._name)

    def __getstate__(self) -> NoReturn:
        raise ConfigurationError(
            "MongoTrials cannot be pickled or saved to a trials_save_file, since MongoDB stores the trials; "
            "connect again with MongoTrials(...) and the same exp_key, or save trials.trials or "
            "trials.to_frame()."
        )

    @property
    def store(self) -> TrialStore:
        """The store that holds the trials."""
        return self.handle.store

    @property
    def space(self) -> Space | None:
        """The space of the experiment; None before its first search. See ``trust_space``."""
        return self._stored_space()

    @property
    def outcomes(self) -> Outcomes | None:
        """The objectives and limits of the experiment; None of one loss."""
        experiment = self._experiment()
        return None if experiment is None else experiment.outcomes

    @property
    def exp_name(self) -> str:
        """The name of the experiment in the store."""
        return self._name

    # Reading

    def refresh(self) -> None:
        """Read new and open trials; finished ones are not read again."""
        self.refresh_tids(None)

    def refresh_tids(self, tids: Iterable[int] | None) -> None:
        """Do the same as ``refresh``; the numbers are ignored."""
        self._read()
        super().refresh()

    def count_by_state_unsynced(self, arg: Any) -> int:
        """Return how many trials the store has in a state, or in any of several."""
        self._read()
        return super().count_by_state_unsynced(arg)

    def view(  # type: ignore[override]
        self, exp_key: Any = None, cmd: Any = None, workdir: Any = None, refresh: bool = True
    ) -> MongoTrials:
        """Return the trials of an experiment in the same database; by default, of this one."""
        other = type(self)(
            self.handle,
            exp_key=self._exp_key if exp_key is None else exp_key,
            cmd=self.cmd if cmd is None else cmd,
            workdir=self.workdir if workdir is None else workdir,
            refresh=refresh,
        )
        other._trust = self._trust  # noqa: SLF001 - the same class
        return other

    def trial_attachments(self, trial: Doc) -> StoreAttachments:  # type: ignore[override]
        """Return the attachments of a trial as a mapping from names to bytes."""
        return StoreAttachments(self.store, self._name, trial["tid"])

    # Writing

    def new_trial_ids(self, n: int) -> list[int]:
        """Return the next ``n`` numbers; insertion replaces any that another process uses first."""
        self._read()
        return super().new_trial_ids(n)

    def delete_all(self, cond: Any = None) -> None:
        """Delete the experiment with its trials, attachments, space and objective.

        Raises
        ------
        ConfigurationError
            If ``cond`` is given.
        """
        if cond is not None:
            raise ConfigurationError("delete_all(cond=...) is not supported: leave cond out to delete all.")
        with suppress(NotFoundError):
            self.store.delete_experiment(self._name)
        self._forget_all()
        self.refresh()

    def _insert_trial_docs(self, docs: list[Doc]) -> list[Any]:
        """Insert checked documents; one whose number is taken gets the next free number."""
        space = self._stored_space()
        tids = []
        for doc in docs:
            trial = trial_of(doc, self._name, space)
            if self._insertion is not None:
                trial = self._insertion.completed(trial)
            while not self._try_insert(trial):
                trial = replace(trial, tid=self.new_trial_ids(1)[0])
            if self._insertion is not None:
                self._insertion.inserted.append(trial)
            tids.append(trial.tid)
        return tids

    def _try_insert(self, trial: Trial) -> bool:
        """Insert a trial unless its number is taken; return whether it was inserted."""
        try:
            self.store.insert([trial])
        except TrialExistsError:
            return False
        return True

    # Searching

    def run_search(self, driver: FMinIter, n_more: int | None = None) -> None:
        """Run the search of ``fmin`` on a fleet.

        Parameters
        ----------
        driver : FMinIter
            Objective, space, algorithm and limits.
        n_more : int, optional
            New trials; by default as many as ``driver.max_evals`` in all.
        """
        points, self._points = self._points, []
        sources, self._sources = self._sources, ()
        search_on_fleet(driver, self, points, n_more, sources)

    def queue_points(self, space: Space, points: Iterable[Mapping[str, Any]]) -> None:
        """Keep points until the next search has opened its experiment and inserts them.

        Parameters
        ----------
        space : Space
            Not used; the search passes its own.
        points : iterable of mapping
            Raw values by label.
        """
        self._points = list(points)

    def queue_warm_start(self, sources: Any) -> None:
        """Keep the names of earlier searches until the next search creates its experiment.

        Parameters
        ----------
        sources : str, MongoTrials, or a list of these
            See ``fmin``.

        Raises
        ------
        ConfigurationError
            If one is neither a name nor the trials of a search in the same database.
        """
        self._sources = sources_of(sources, self)

    def insert_points(
        self, experiment: Experiment, space: Space, points: Iterable[Mapping[str, Any]]
    ) -> None:
        """Queue points ahead of all other trials, except those that the experiment has already.

        Parameters
        ----------
        experiment : Experiment
            As stored.
        space : Space
            That of the script, equal to the stored one.
        points : iterable of mapping
            Raw values by label.

        Raises
        ------
        SpaceError
            If a point is invalid in the space.
        """
        wanted = [point_of(space, complete_point(space, point)) for point in points]
        self.refresh()
        known = [spec_from_misc(doc["misc"]) for doc in self._every_doc()]
        for values in wanted:
            if values in known:
                continue
            trial = Trial(
                exp_key=self._name,
                exp_created_at=experiment.created_at,
                tid=0,
                values=values,
                params=space.params(values),
                origin=ORIGIN,
                priority=POINTS_PRIORITY,
            )
            while not self._try_insert(replace(trial, tid=self.new_trial_ids(1)[0])):
                pass  # another process used that number

    @property
    def has_insertion_hooks(self) -> bool:
        """Whether a subclass or a patch replaced a method that inserts trials."""
        return has_replaced(self, INSERTION_HOOKS, _ORIGINALS)

    @property
    def has_refresh_hook(self) -> bool:
        """Whether a subclass or a patch replaced ``refresh`` or ``refresh_tids``."""
        return has_replaced(self, REFRESH_HOOKS, _ORIGINALS)

    def insert_suggested(self, suggested: Sequence[Trial]) -> list[Trial]:
        """Insert suggested trials one at a time through the replaced methods.

        Returns
        -------
        list of Trial
            Those in the store, with the numbers and values that the methods chose.
        """
        inserted = []
        for trial in suggested:
            doc = self._drafts.pop(trial.tid, None) or self._draft(trial)
            self._insertion = HookedInsertion(trial, doc["tid"])
            try:
                self.insert_trial_docs([doc])
            finally:
                inserted += self._insertion.inserted
                self._insertion = None
            self.refresh()
        self._drafts.clear()
        return inserted

    def _draft(self, trial: Trial) -> Doc:
        """Return the document of a trial, made by the calls that Hyperopt's driver makes."""
        tids = self.new_trial_ids(1)
        self.refresh()
        self._learn_labels()
        miscs = [new_misc(tids[0], trial.values, self._labels)]
        doc: Doc = self.new_trial_docs(tids, [None], [{"status": STATUS_NEW}], miscs)[0]
        return doc

    def show_suggested(self, docs: Sequence[Doc]) -> None:
        """Show documents as pending until the store is read again."""
        self._drafts.update({doc["tid"]: doc for doc in docs})
        self._dynamic_trials.extend(docs)
        self._n_suggested += len(docs)
        super().refresh()

    # Private

    def _forget_all(self) -> None:
        """Discard all cached state, so that the next read loads the experiment from the start."""
        self._reader = ChangeReader(self.store, self._name)
        self._dynamic_trials, self._ids, self._next_tid, self._n_suggested = [], set(), 0, 0
        self._drafts: dict[Any, Doc] = {}  #: documents from the script's algorithm, by number
        self._labels: Sequence[str] = ()
        self._space = None

    def _read(self) -> None:
        """Update the documents from the store; those of open trials change in place."""
        del self._dynamic_trials[len(self._dynamic_trials) - self._n_suggested :]
        self._n_suggested = 0
        trials = self._reader.changes()
        if trials is None:
            self._forget_all()
            trials = self._reader.changes() or []
        if trials:
            self._learn_labels()
        for trial in trials:
            self._take(doc_of(trial, self._labels, self._exp_key))

    def _learn_labels(self) -> None:
        """Read the labels of the space if the store has it."""
        if not self._labels and (experiment := self._experiment()) is not None:
            self._labels = labels_of(experiment)

    def _take(self, doc: Doc) -> None:
        """Add a document in order of its number, or update the one with that number."""
        docs, tid = self._dynamic_trials, doc["tid"]
        if docs and tid <= docs[-1]["tid"]:
            i = bisect.bisect_left(docs, tid, key=lambda present: present["tid"])
            if docs[i]["tid"] == tid:
                docs[i].update(doc)
                return
            docs.insert(i, doc)
            self._forget_refresh()
        else:
            docs.append(doc)
        self._reserve([tid])

    def _experiment(self) -> Experiment | None:
        try:
            return self.store.experiment(self._name)
        except NotFoundError:
            return None

    def _stored_space(self) -> Space | None:
        """Return the space in the store; None before the first search."""
        if self._space is None and (experiment := self._experiment()) is not None:
            self._space = Space.from_json(experiment.space, self._trust)
        return self._space

    def _known_space(self) -> Space:
        return self._stored_space() or super()._known_space()


#: The methods as defined here, to detect replacements.
_ORIGINALS = {name: getattr(MongoTrials, name) for name in INSERTION_HOOKS + REFRESH_HOOKS}


def experiment_name(exp_key: Any) -> str:
    """Return the name of the experiment for an ``exp_key``.

    Raises
    ------
    ConfigurationError
        If no experiment can have that name.
    """
    name = DEFAULT_EXP_KEY if exp_key is None else str(exp_key)
    if not is_exp_key(name):
        raise ConfigurationError(invalid_exp_key(name))
    return name
