"""``MongoTrials``: the trials of an experiment in MongoDB, read and searched as ``Trials`` are."""

from __future__ import annotations

import bisect
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from hpsearch.errors import ConfigurationError, NotFoundError, TrialExistsError
from hpsearch.events import Event
from hpsearch.experiment import Defaults, Experiment, bad_exp_key, is_exp_key
from hpsearch.hyperopt.documents import DOMAIN_CMD, Doc, spec_from_misc
from hpsearch.hyperopt.imported import point_of
from hpsearch.hyperopt.iteration import FMinIter
from hpsearch.hyperopt.mongo.attachments import StoreAttachments
from hpsearch.hyperopt.mongo.documents import ORIGIN, doc_of, labels_of, trial_of
from hpsearch.hyperopt.mongo.jobs import MongoJobs
from hpsearch.hyperopt.mongo.reader import Reader
from hpsearch.hyperopt.mongo.search import search_on_fleet
from hpsearch.hyperopt.points import complete_point
from hpsearch.hyperopt.trials import Trials
from hpsearch.space.tree import Space
from hpsearch.space.trust import AS_TEXT, TRUSTED
from hpsearch.store.protocol import TrialStore
from hpsearch.trial import Trial

logger = logging.getLogger(__name__)

#: The experiment that ``exp_key=None`` means.
DEFAULT_EXP_KEY = "default"

#: Points that a script wants tried first are claimed before all others.
POINTS_PRIORITY = 1


class MongoTrials(Trials):
    """Trials that workers on other machines evaluate, and that MongoDB keeps.

    Parameters
    ----------
    arg : str or MongoJobs
        ``mongo://host:port/db/jobs``, any URI of MongoDB, or an open database.
    exp_key : any, optional
        The name of the experiment; "default" unless given.
    cmd, workdir : any
        Accepted for compatibility: workers get the objective from ``fmin``, and their folder
        from their own option ``--workdir``.
    refresh : bool
        Whether to read the trials at once.
    trust_space : bool
        Whether ``best_config`` may import and call the functions that the stored space names.
        By default it shows them as text; after ``fmin``, the space of the script counts.

    Raises
    ------
    ConfigurationError, StorePermissionError, StoreUnavailableError
        If the address is none, or there is no database that lets this user in.
    """

    asynchronous = True

    #: Seconds that running trials may still take once a limit has ended a search.
    grace_s = 30.0

    #: What applies to each trial: its lease, its attempts, its timeout.
    defaults = Defaults()

    #: Trial n is suggested from exactly those before ``n - lag``, whatever has ended: the same seed then
    #: makes the same search. None for suggestions from all that has ended.
    lag: int | None = None

    #: Monotonic seconds, in which a search measures its timeout and its grace.
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
                f"cmd={cmd!r} is not supported: workers call the objective that fmin is given; leave cmd out."
            )
        if workdir is not None:
            logger.warning(
                "MongoTrials(workdir=...) is not sent to workers; start them with --workdir.",
                extra=Event.WORKDIR_NOT_SENT.of(),
            )
        self.handle = arg if isinstance(arg, MongoJobs) else MongoJobs.new_from_connection_str(str(arg))
        self._name = experiment_name(exp_key)
        self._points: list[Mapping[str, Any]] = []
        self._trust = TRUSTED if trust_space else AS_TEXT
        self._forget_all()
        super().__init__(exp_key=exp_key, refresh=refresh)
        self.attachments = StoreAttachments(self.store, self._name)

    def __getstate__(self) -> NoReturn:
        raise ConfigurationError(
            "MongoTrials are not pickled, nor saved to a trials_save_file: MongoDB keeps them; connect again "
            "with MongoTrials(...) under the same exp_key, or keep trials.trials or trials.to_frame()."
        )

    @property
    def store(self) -> TrialStore:
        """Where the trials are."""
        return self.handle.store

    @property
    def space(self) -> Space | None:
        """The space of the experiment, None before its first search; see ``trust_space``."""
        return self._stored_space()

    @property
    def exp_name(self) -> str:
        """The name of the experiment in the store."""
        return self._name

    # Reading

    def refresh(self) -> None:
        """Read what is new or was open; what was final stays as it is, and costs nothing."""
        self._read()
        super().refresh()

    def refresh_tids(self, tids: Iterable[int]) -> None:
        """Do as ``refresh``, which reads everything that can have changed."""
        self.refresh()

    def count_by_state_unsynced(self, arg: Any) -> int:
        """Count, as of now, the trials in a state, or in one of several."""
        self._read()
        return super().count_by_state_unsynced(arg)

    def view(self, exp_key: Any = None, refresh: bool = True) -> MongoTrials:
        """Return the trials of another experiment in the same database."""
        is_trusted = self._trust is TRUSTED
        return MongoTrials(self.handle, exp_key=exp_key, refresh=refresh, trust_space=is_trusted)

    def trial_attachments(self, trial: Doc) -> StoreAttachments:  # type: ignore[override]
        """Return the attachments of a trial as a mapping from names to bytes."""
        return StoreAttachments(self.store, self._name, trial["tid"])

    # Writing

    def new_trial_ids(self, n: int) -> list[int]:
        """Return the next ``n`` numbers; see ``insert_trial_docs`` for those that others take meanwhile."""
        self._read()
        return super().new_trial_ids(n)

    def delete_all(self, cond: Any = None) -> None:
        """Delete the experiment: its trials, its attachments, its space and its objective.

        Raises
        ------
        ConfigurationError
            If a condition is given.
        """
        if cond is not None:
            raise ConfigurationError("delete_all(cond=...) is not supported: leave cond out to delete all.")
        with suppress(NotFoundError):
            self.store.delete_experiment(self._name)
        self._forget_all()
        self.refresh()

    def _insert_trial_docs(self, docs: list[Doc]) -> list[Any]:
        """Insert documents that were checked; one whose number somebody took gets the next that is free."""
        space = self._stored_space()
        tids = []
        for doc in docs:
            trial = trial_of(doc, self._name, space)
            while not self._is_inserted(trial):
                trial = replace(trial, tid=self.new_trial_ids(1)[0])
            tids.append(trial.tid)
        return tids

    def _is_inserted(self, trial: Trial) -> bool:
        """Insert a trial; return whether its number was free."""
        try:
            self.store.insert([trial])
        except TrialExistsError:
            return False
        return True

    # What a search needs

    def conduct(self, rounds: FMinIter, n_more: int | None = None) -> None:
        """Search on a fleet; see ``search_on_fleet``."""
        points, self._points = self._points, []
        search_on_fleet(rounds, self, points, n_more)

    def queue_points(self, space: Space, points: Iterable[Mapping[str, Any]]) -> None:
        """Hold points for the next search, which inserts them once it is known to be the same search."""
        self._points = list(points)

    def insert_points(
        self, experiment: Experiment, space: Space, points: Iterable[Mapping[str, Any]]
    ) -> None:
        """Queue points of an experiment ahead of all others, but for those that were there already.

        Raises
        ------
        SpaceError
            If one is no point of the space.
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
            while not self._is_inserted(replace(trial, tid=self.new_trial_ids(1)[0])):
                pass  # somebody took that number

    def propose(self, docs: Sequence[Doc]) -> None:
        """Show documents as waiting, until the store is read again."""
        self._dynamic_trials.extend(docs)
        self._n_proposed += len(docs)
        super().refresh()

    # Private

    def _forget_all(self) -> None:
        """Read everything anew the next time: there is nothing, or something else under the same name."""
        self._reader = Reader(self.store, self._name)
        self._dynamic_trials, self._ids, self._next_tid, self._n_proposed = [], set(), 0, 0
        self._labels: Sequence[str] = ()
        self._space = None

    def _read(self) -> None:
        """Bring the documents up to date with the store; those of open trials change in place."""
        del self._dynamic_trials[len(self._dynamic_trials) - self._n_proposed :]
        self._n_proposed = 0
        changes = self._reader.changes()
        if changes.is_gone:
            self._forget_all()
            changes = self._reader.changes()
        if changes.trials and not self._labels:
            experiment = self._experiment()
            self._labels = labels_of(experiment) if experiment else ()
        for trial in changes.trials:
            self._take(doc_of(trial, self._labels, self._exp_key))

    def _take(self, doc: Doc) -> None:
        """Put a document in the place of its number."""
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
        """Return the space that the experiment was begun with; None before its first search."""
        if self._space is None and (experiment := self._experiment()) is not None:
            self._space = Space.from_json(experiment.space, self._trust)
        return self._space

    def _known_space(self) -> Space:
        return self._stored_space() or super()._known_space()


def experiment_name(exp_key: Any) -> str:
    """Return the name of the experiment that an ``exp_key`` means.

    Raises
    ------
    ConfigurationError
        If it cannot name one.
    """
    name = DEFAULT_EXP_KEY if exp_key is None else str(exp_key)
    if not is_exp_key(name):
        raise ConfigurationError(bad_exp_key(name))
    return name
