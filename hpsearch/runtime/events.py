"""The names of the events in hpsearch's log.

Messages may change; the names and fields of events are stable, for programs that read the log in JSON. Each
log call has an event::

    log.info("leading %s", exp_key, extra=Event.LEADING.of(exp_key=exp_key))
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Attempt(Protocol):
    """The identity of an attempt at a trial; ``Trial`` satisfies it."""

    @property
    def exp_key(self) -> str:
        """Key of the experiment."""
        ...

    @property
    def tid(self) -> int:
        """Number of the trial in the experiment."""
        ...

    @property
    def attempt(self) -> int:
        """Number of the attempt, from 1."""
        ...


class Event(StrEnum):
    """The events; ``docs/errors.md`` describes them and their fields."""

    # Any process, and its database
    DATABASE_AWAY = "database_away"
    DATABASE_BACK = "database_back"
    ACCESS_REFUSED = "access_refused"
    ACCESS_GRANTED = "access_granted"
    STORE_FILE_UNREAD = "store_file_unread"
    STANDALONE = "standalone"
    POLLING = "polling"
    NOT_PREPARED = "not_prepared"
    UNREADABLE = "unreadable"
    BACKUP_UNREADABLE = "backup_unreadable"
    ATTACHMENT_INCOMPLETE = "attachment_incomplete"

    # Any command
    HEALTH_SERVED = "health_served"
    PROBE_FAILED = "probe_failed"
    MANAGER_NOT_TOLD = "manager_not_told"
    COMMAND_FAILED = "command_failed"
    INTERRUPTED = "interrupted"
    CRASHED = "crashed"
    PYTHON_WARNING = "python_warning"
    LIBRARY = "library"
    MIRROR_WAITS = "mirror_waits"

    # A coordinator
    SEARCHING = "searching"
    STILL_PAUSED = "still_paused"
    BUDGET_SPENT = "budget_spent"
    SEARCH_CONTINUED = "search_continued"
    OPTION_IGNORED = "option_ignored"
    OBJECTIVE_CHANGED = "objective_changed"
    WARM_STARTED = "warm_started"
    SIMILAR_SEARCH = "similar_search"
    LEADING = "leading"
    LEADERSHIP_LOST = "leadership_lost"
    STRANGE_TRIALS = "strange_trials"
    PRUNER_FAILED = "pruner_failed"
    LEASES_EXPIRED = "leases_expired"
    LEASES_SHORTENED = "leases_shortened"
    REREAD = "reread"
    IMPROVED = "improved"
    NEW_ON_FRONT = "new_on_front"
    PROGRESS = "progress"
    WORKERS_DRAINING = "workers_draining"
    WORKER_NOT_STARTED = "worker_not_started"

    # A worker
    FLAGS_TRANSLATED = "flags_translated"
    FLAG_WITHOUT_EFFECT = "flag_without_effect"
    WORKER_STARTED = "worker_started"
    GPUS_SHARED = "gpus_shared"
    WORKER_LEFT = "worker_left"
    LOADING = "loading"
    NOT_SERVING = "not_serving"
    LEFT_UNREGISTERED = "left_unregistered"
    LEFT_WITHOUT_DATABASE = "left_without_database"
    HEARTBEAT_FAILED = "heartbeat_failed"
    SIGN_OF_LIFE_FAILED = "sign_of_life_failed"

    # A trial on a worker
    TRIAL_BEGUN = "trial_begun"
    TRIAL_DONE = "trial_done"
    TRIAL_FAILED = "trial_failed"
    TRIAL_PRUNED = "trial_pruned"
    TRIAL_STOPPED = "trial_stopped"
    LEASE_LOST = "lease_lost"
    RENEWAL_FAILED = "renewal_failed"
    POLICY_UNREAD = "policy_unread"
    CHECKPOINT_FAILED = "checkpoint_failed"
    REPORTS_NOT_STORED = "reports_not_stored"
    OUTPUT = "output"
    OUTPUT_NOT_STORED = "output_not_stored"
    UNHEARD = "unheard"

    # A script
    NO_ALGORITHM = "no_algorithm"
    EARLY_STOP = "early_stop"
    EVALUATION_FAILED = "evaluation_failed"
    WORKDIR_NOT_SENT = "workdir_not_sent"
    NOBODY_CAME = "nobody_came"
    NOBODY_TAKES = "nobody_takes"
    ALL_LEFT = "all_left"
    NONE_EVALUATED = "none_evaluated"

    def of(self, **fields: object) -> dict[str, object]:
        """Return the ``extra`` argument of a log call: this event with its fields."""
        return {"event": self, "fields": fields}

    def about(self, trial: Attempt, **fields: object) -> dict[str, object]:
        """Return the ``extra`` argument of a log call about a trial.

        Parameters
        ----------
        trial : Attempt
            Its ``exp_key``, ``tid`` and ``attempt`` become fields.
        **fields
            Further fields.
        """
        return self.of(exp_key=trial.exp_key, tid=trial.tid, attempt=trial.attempt, **fields)
