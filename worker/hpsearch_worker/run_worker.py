"""Runs a worker: puts its parts together, and stops them in order."""

from __future__ import annotations

import logging
import math
import os
import platform
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import hpsearch
from hpsearch.core.worker import Worker, WorkerState
from hpsearch.runtime.events import Event
from hpsearch.runtime.gpus import VISIBLE
from hpsearch.runtime.health.server import serving
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch.runtime.systemd import Notifier
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.protocol import TrialStore
from hpsearch_worker.evaluator import Evaluator
from hpsearch_worker.fair_share import FairShare
from hpsearch_worker.health import WorkerHealth
from hpsearch_worker.heartbeat import Heartbeat
from hpsearch_worker.inline_evaluator import InlineEvaluator
from hpsearch_worker.isolated_evaluator import IsolatedEvaluator
from hpsearch_worker.loop import Limits, Slot
from hpsearch_worker.messages import Load
from hpsearch_worker.objective_allowlist import Allowlist
from hpsearch_worker.objective_cache import ObjectiveCache
from hpsearch_worker.served_experiments import ServedExperiments
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.trial_counts import Tally

log = logging.getLogger(__name__)

#: Seconds that a worker tries to reach the database when it starts; later it waits for ever.
_START_PATIENCE_S = 30.0

#: Seconds for which the registry keeps a worker that has left.
_LEFT_TTL_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a worker."""

    exp_keys: tuple[str, ...]  #: experiments to serve; empty for any
    name: str  #: in the registry
    concurrency: int  #: trials at a time
    is_isolated: bool  #: whether to evaluate in separate processes
    echo: bool  #: whether to pass on what objectives print
    max_trials: int | None
    claim_for_s: float | None  #: stop claiming after so many seconds
    workdir: str | None  #: absolute path of the folder in which evaluations begin
    allowlist: Allowlist | None  #: what objectives may run; None for all
    gpus: tuple[str, ...] | None  #: what each slot's evaluations see; None for whatever this process sees
    limits: Limits
    health_host: str
    health_port: int | None  #: None to answer no probes
    secret: bytes | None = field(repr=False)  #: key of the signatures of objectives by value
    auth_patience_s: float  #: seconds to wait while MongoDB refuses the user
    read_uri: Callable[[], str] | None  #: reads the URI again, if a file holds it


def serve(
    uri: str,
    options: Options,
    shutdown: Shutdown,
    notifier: Notifier,
    on_start: Callable[[], None] = lambda: None,
) -> None:
    """Work until there is a reason to stop; raises that reason if it is an error.

    Parameters
    ----------
    uri : str
        Address of the database.
    options : Options
        Settings.
    shutdown : Shutdown
        When to stop.
    notifier : Notifier
        Reports to the service manager.
    on_start : callable
        Called once the database is reached and the worker is registered.
    """
    me = Worker(
        name=options.name,
        host=socket.gethostname(),
        pid=os.getpid(),
        slots=options.concurrency,
        exp_keys=options.exp_keys,
        versions={"python": platform.python_version(), "hpsearch": hpsearch.__version__},
    )
    tally = Tally(me, options.max_trials, options.claim_for_s)
    health = WorkerHealth(tally, shutdown)
    with serving(options.health_host, options.health_port, health) as url:
        if url is not None:
            log.info("health at %s", url, extra=Event.HEALTH_SERVED.of(url=url))

        def may_wait() -> bool:
            health.watchdog.beat()  # waiting for the database is not standing still
            notifier.alive()
            # On the way out, only a running trial is worth waiting for.
            return not shutdown.is_time_up() and (tally.n_busy > 0 or not shutdown.is_draining())

        patience = Patience(_START_PATIENCE_S, options.auth_patience_s, may_wait=may_wait)
        store = MongoStore.connect(
            uri, patience=patience, on_contact=health.watchdog.beat, read_uri=options.read_uri
        )
        try:
            health.contact = store.contact
            heartbeat = Heartbeat(
                store, lambda: _report_state(notifier, health, shutdown, tally), health.watchdog
            )
            # The heartbeat tries again soon. If it waited for one missing right, it would renew no lease.
            patience.waits_for_access = lambda: not heartbeat.runs_here()
            heartbeat.start()
            patience.away_s = math.inf
            notifier.ready()
            on_start()
            _log_start(options)
            _work(store, options, shutdown, tally, heartbeat, health.watchdog)
            shutdown.drain()
            notifier.stopping()
            left = replace(tally.worker(), state=WorkerState.STOPPED)
            heartbeat.stop(left, _LEFT_TTL_S)
            _log_end(left)
        finally:
            store.close()
    if shutdown.error is not None:
        raise shutdown.error


def _log_start(options: Options) -> None:
    log.info(
        "worker %s serves %s, %d at a time",
        options.name,
        ", ".join(options.exp_keys) or "any experiment",
        options.concurrency,
        extra=Event.WORKER_STARTED.of(exp_keys=options.exp_keys, slots=options.concurrency),
    )
    if options.gpus is not None:
        log.info(
            "GPUs, one for each trial: %s",
            ", ".join(filter(None, options.gpus)) or "none",
            extra=Event.GPUS_SHARED.of(gpus=options.gpus),
        )


def _log_end(left: Worker) -> None:
    log.info(
        "worker %s leaves: %d done, %d failed",
        left.name,
        left.n_done,
        left.n_failed,
        extra=Event.WORKER_LEFT.of(n_done=left.n_done, n_failed=left.n_failed),
    )


def _report_state(notifier: Notifier, health: WorkerHealth, shutdown: Shutdown, tally: Tally) -> Worker:
    """Report the state to the service manager, and return it for the registry."""
    me = tally.worker(is_draining=shutdown.is_draining())
    if me.state is WorkerState.DRAINING:
        notifier.stopping()
    notifier.status(f"{me.state}: {me.n_done} done, {me.n_failed} failed")
    if health.liveness().is_ok:
        notifier.alive()
    return me


def _work(
    store: TrialStore,
    options: Options,
    shutdown: Shutdown,
    tally: Tally,
    heartbeat: Heartbeat,
    watchdog: Watchdog,
) -> None:
    served = ServedExperiments(store, options.exp_keys, watchdog)
    objectives = ObjectiveCache(store, options.secret, watchdog)
    fair_share = FairShare(random.Random())  # noqa: S311 - no secret
    slots = [
        Slot(
            store=store,
            evaluator=_evaluator(options, objectives, i),
            served=served,
            heartbeat=heartbeat,
            tally=tally,
            shutdown=shutdown,
            limits=options.limits,
            fair_share=fair_share,
            watchdog=watchdog,
        )
        for i in range(options.concurrency)
    ]
    if not options.is_isolated:
        slots[0].work()  # not watched: an inline objective may block it for the duration of a trial
    elif len(slots) == 1:
        _work_watched(slots[0], "slot-0")
    else:
        _work_in_threads(slots)


def _work_watched(slot: Slot, name: str) -> None:
    with slot.watchdog.loop(name):
        slot.work()


def _work_in_threads(slots: list[Slot]) -> None:
    names = [f"slot-{i}" for i in range(len(slots))]
    threads = [
        threading.Thread(target=_work_watched, args=(slot, name), name=name)
        for slot, name in zip(slots, names, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)  # in steps, so that signals are handled meanwhile


def _evaluator(options: Options, objectives: ObjectiveCache, slot: int) -> Evaluator:
    """Return the evaluator of a slot, which sees that slot's GPU."""
    load = partial(Load.of, workdir=options.workdir, objectives=objectives, allowlist=options.allowlist)
    environment = {} if options.gpus is None else {VISIBLE: options.gpus[slot]}
    if options.is_isolated:
        return IsolatedEvaluator(echo=options.echo, load=load, environment=environment)
    os.environ.update(environment)  # before anything of the objective is imported
    return InlineEvaluator(load)
