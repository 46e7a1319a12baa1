"""``MongoTrials``: the trials of an experiment in MongoDB, read and searched as ``Trials`` are."""

from __future__ import annotations

import bisect
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from hpsearch.core.experiment import Defaults, Experiment, bad_exp_key, is_exp_key
from hpsearch.core.trial import State, Trial
from hpsearch.errors import ConfigurationError, NotFoundError, TrialExistsError
from hpsearch.hyperopt.engine.documents import DOMAIN_CMD, STATUS_NEW, Doc, new_misc, spec_from_misc
from hpsearch.hyperopt.engine.iteration import FMinIter
from hpsearch.hyperopt.engine.points import complete_point
from hpsearch.hyperopt.engine.trials import Trials
from hpsearch.hyperopt.migration.job_import import point_of
from hpsearch.hyperopt.mongo.attachments import StoreAttachments
from hpsearch.hyperopt.mongo.changes import ChangeReader
from hpsearch.hyperopt.mongo.documents import ORIGIN, doc_of, labels_of, trial_of
from hpsearch.hyperopt.mongo.fleet_search import search_on_fleet
from hpsearch.hyperopt.mongo.jobs import MongoJobs
from hpsearch.runtime.events import Event
from hpsearch.space.tree import Space
from hpsearch.space.trust import AS_TEXT, TRUSTED
from hpsearch.store.protocol import TrialStore

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

    #: Whether to go on with an experiment though the code of its objective, a function in a module, was
    #: changed; that is noted there.
    accepts_changed_objective = False

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
        self.cmd, self.workdir = cmd, workdir
        self.handle = arg if isinstance(arg, MongoJobs) else MongoJobs.new_from_connection_str(str(arg))
        self._name = experiment_name(exp_key)
        self._points: list[Mapping[str, Any]] = []
        self._trust = TRUSTED if trust_space else AS_TEXT
        self._insertion: _SuggestedInsertion | None = None
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
        self.refresh_tids(None)

    def refresh_tids(self, tids: Iterable[int] | None) -> None:
        """Do as ``refresh``, which reads everything that can have changed, whatever the numbers."""
        self._read()
        super().refresh()

    def count_by_state_unsynced(self, arg: Any) -> int:
        """Count, as of now, the trials in a state, or in one of several."""
        self._read()
        return super().count_by_state_unsynced(arg)

    def view(  # type: ignore[override]
        self, exp_key: Any = None, cmd: Any = None, workdir: Any = None, refresh: bool = True
    ) -> MongoTrials:
        """Return the trials of an experiment in the same database: this one, unless another is named."""
        other = type(self)(
            self.handle,
            exp_key=self._exp_key if exp_key is None else exp_key,
            cmd=self.cmd if cmd is None else cmd,
            workdir=self.workdir if workdir is None else workdir,
            refresh=refresh,
        )
        other._trust = self._trust  # noqa: SLF001 - of the same class
        return other

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
            if self._insertion is not None:
                trial = self._insertion.completed(trial)
            while not self._is_inserted(trial):
                trial = replace(trial, tid=self.new_trial_ids(1)[0])
            if self._insertion is not None:
                self._insertion.inserted.append(trial)
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

    def run_search(self, rounds: FMinIter, n_more: int | None = None) -> None:
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

    @property
    def has_insertion_hooks(self) -> bool:
        """Whether a method through which Hyperopt's driver inserts trials was replaced."""
        return any(self._is_replaced(name) for name in _INSERTION_HOOKS)

    @property
    def has_refresh_hook(self) -> bool:
        """Whether ``refresh`` was replaced, or what it calls."""
        return any(self._is_replaced(name) for name in _REFRESH_HOOKS)

    def insert_suggested(self, suggested: Sequence[Trial]) -> list[Trial]:
        """Insert what a coordinator suggests, one by one, through the methods that may have been replaced.

        Returns
        -------
        list of Trial
            What reached the store: with the numbers and values that these methods gave.
        """
        inserted = []
        for trial in suggested:
            doc = self._drafts.pop(trial.tid, None) or self._draft(trial)
            self._insertion = _SuggestedInsertion(trial, doc["tid"])
            try:
                self.insert_trial_docs([doc])
            finally:
                inserted += self._insertion.inserted
                self._insertion = None
            self.refresh()
        self._drafts.clear()
        return inserted

    def _draft(self, trial: Trial) -> Doc:
        """Return the document of a trial, made as Hyperopt's driver and its algorithms make it."""
        tids = self.new_trial_ids(1)
        self.refresh()
        self._learn_labels()
        miscs = [new_misc(tids[0], trial.values, self._labels)]
        doc: Doc = self.new_trial_docs(tids, [None], [{"status": STATUS_NEW}], miscs)[0]
        return doc

    def _is_replaced(self, name: str) -> bool:
        """Whether a method is not the one of this module, in this object, its class or a patched class."""
        return name in vars(self) or getattr(type(self), name) is not _ORIGINALS[name]

    def show_suggested(self, docs: Sequence[Doc]) -> None:
        """Show documents as waiting, until the store is read again."""
        self._drafts.update({doc["tid"]: doc for doc in docs})
        self._dynamic_trials.extend(docs)
        self._n_suggested += len(docs)
        super().refresh()

    # Private

    def _forget_all(self) -> None:
        """Read everything anew the next time: there is nothing, or something else under the same name."""
        self._reader = ChangeReader(self.store, self._name)
        self._dynamic_trials, self._ids, self._next_tid, self._n_suggested = [], set(), 0, 0
        self._drafts: dict[Any, Doc] = {}  #: what an algorithm of the script suggested, by number
        self._labels: Sequence[str] = ()
        self._space = None

    def _read(self) -> None:
        """Bring the documents up to date with the store; those of open trials change in place."""
        del self._dynamic_trials[len(self._dynamic_trials) - self._n_suggested :]
        self._n_suggested = 0
        changes = self._reader.changes()
        if changes.was_deleted:
            self._forget_all()
            changes = self._reader.changes()
        if changes.trials:
            self._learn_labels()
        for trial in changes.trials:
            self._take(doc_of(trial, self._labels, self._exp_key))

    def _learn_labels(self) -> None:
        """Read the labels of the space, once it is in the store."""
        if not self._labels and (experiment := self._experiment()) is not None:
            self._labels = labels_of(experiment)

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


class _SuggestedInsertion:
    """What a coordinator suggested, on its way through the methods of a script.

    Parameters
    ----------
    suggested : Trial
        With all that a document cannot say.
    tid : any
        Its number in the document.
    """

    def __init__(self, suggested: Trial, tid: Any) -> None:
        self._suggested, self._tid = suggested, tid
        self.inserted: list[Trial] = []  #: what reached the store

    def completed(self, trial: Trial) -> Trial:
        """Return a trial that a document gave, with what was suggested beside its point."""
        if trial.tid != self._tid or trial.state is not State.PENDING:
            return trial
        is_same = trial.values == self._suggested.values
        origin = self._suggested.origin if is_same else trial.origin
        return replace(
            self._suggested, tid=trial.tid, values=trial.values, params=trial.params, origin=origin
        )


#: What Hyperopt's driver calls to insert trials, and to read them.
_INSERTION_HOOKS = (
    "new_trial_ids",
    "new_trial_docs",
    "insert_trial_docs",
    "assert_valid_trial",
    "_insert_trial_docs",
)
_REFRESH_HOOKS = ("refresh", "refresh_tids")

#: These methods as they are here, to be compared with what a script made of them.
_ORIGINALS = {name: getattr(MongoTrials, name) for name in _INSERTION_HOOKS + _REFRESH_HOOKS}


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
