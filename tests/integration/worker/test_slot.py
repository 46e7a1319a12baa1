"""One slot of a worker on a store in memory: objectives by value, attachments, pauses, deletions."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.trial import OUTPUT_NAME, FailureKind, Result, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import LoadError, StoreError, StorePermissionError, StoreUnavailableError
from hpsearch.objective.by_value.envelope import ATTACHMENT, Destination, pack
from hpsearch.objective.loading import parse_target
from hpsearch.runtime.health.watchdog import STALL_S, Watchdog
from hpsearch.runtime.signals import Interrupt
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.protocol import LeaseStatus
from hpsearch_worker.heartbeat import Heartbeat
from hpsearch_worker.inline_evaluator import InlineEvaluator
from hpsearch_worker.isolated_evaluator import IsolatedEvaluator
from hpsearch_worker.loop import Limits, Slot
from hpsearch_worker.messages import Load
from hpsearch_worker.objective_cache import ObjectiveCache
from hpsearch_worker.served_experiments import ServedExperiments
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.trial_counts import Outcome, Tally
from tests.support.waiting import wait_until

THREAD_WORKER = Worker(name="w", host="h", pid=1)
SECRET = b"0123456789abcdef"
SPACE = Space({"x": hp.uniform("x", 0, 1)})


class RecordingStore(MemoryStore):
    """Counts reads, records the attachments at each finish, and can refuse attachments."""

    def __init__(self) -> None:
        super().__init__()
        self.n_read = 0
        self.at_finish: list[list[str]] = []
        self.refusal: StoreError | None = None
        self.refused_name: str | None = None

    def attach(self, exp_key: str, name: str, data: bytes, *, tid: Any = None, attempt: Any = 0) -> None:  # type: ignore[override]
        if self.refusal is not None and tid is not None:
            raise self.refusal
        if name == self.refused_name:
            raise StoreError("There is no room for this.")
        super().attach(exp_key, name, data, tid=tid, attempt=attempt)

    def attachment(self, exp_key: Any, name: Any, **options: Any) -> bytes:
        self.n_read += 1
        return super().attachment(exp_key, name, **options)

    def finish(self, trial: Any, result: Any) -> None:
        self.at_finish.append(self.attachments(trial.exp_key, tid=trial.tid))
        super().finish(trial, result)


def half(config: Any) -> float:
    return config["x"] / 2


@pytest.fixture
def store() -> RecordingStore:
    return RecordingStore()


def experiment(store: MemoryStore, loss: float = 0.5, n: int = 1) -> Experiment:
    """Open an experiment by value with pending trials."""

    def objective(config: Any) -> dict[str, float | dict[str, bytes]]:
        return {"loss": loss, "attachments": {"b": b"x", "a": b"y"}}

    return open_by_value(store, objective, digest=str(loss), n=n)


def open_by_value(store: MemoryStore, objective: Any, digest: str = "", n: int = 1) -> Experiment:
    destination = Destination(database=store.database, exp_key="e", nonce=digest)
    store.attach("e", ATTACHMENT, pack(objective, destination, SECRET))
    opened = store.open_experiment(
        Experiment(
            exp_key="e",
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=ObjectiveRef(kind="pickle", ref="objective", digest=digest, nonce=digest),
        )
    )
    store.insert(trials_of(opened, n))
    return opened


def trials_of(opened: Experiment, n: int = 1) -> list[Trial]:
    return [
        Trial(exp_key=opened.exp_key, exp_created_at=opened.created_at, tid=tid, values={"x": 0.5})
        for tid in range(n)
    ]


@pytest.fixture
def slot(store: RecordingStore) -> Iterator[Slot]:
    heartbeat = Heartbeat(store, lambda: THREAD_WORKER)
    heartbeat.start()
    with Interrupt() as interrupt:
        yield Slot(
            store=store,
            evaluator=InlineEvaluator(partial(Load.of, objectives=ObjectiveCache(store, SECRET))),
            served=ServedExperiments(store, []),
            heartbeat=heartbeat,
            tally=Tally(THREAD_WORKER),
            shutdown=Shutdown(interrupt, 30.0),
            limits=Limits(is_burst=True),
        )
    heartbeat.stop(THREAD_WORKER, 1.0)


def test_attachments_are_stored_before_the_trial_is_done(store: RecordingStore, slot: Slot) -> None:
    experiment(store)

    slot.work()

    assert store.trial("e", 0).state is State.DONE
    assert store.at_finish == [["a", "b"]]


def talkative(config: Any) -> dict[str, Any]:
    os.write(1, f"x is {config['x']}\n".encode())
    if config["x"] > 1:
        raise ValueError("too large")
    return {"loss": config["x"], "attachments": {"a": b"y"}}


@pytest.mark.parametrize("is_refused", [False, True])
def test_the_output_of_a_successful_trial_is_stored_before_it_is_done(
    store: RecordingStore, slot: Slot, is_refused: bool
) -> None:
    """If only the output cannot be stored, the result is complete."""
    open_by_value(store, talkative)
    slot = replace(slot, evaluator=isolated(store))
    store.refused_name = OUTPUT_NAME if is_refused else None

    slot.work()

    trial = store.trial("e", 0)
    assert (trial.state, trial.error) == (State.DONE, None)
    assert store.at_finish == [["a"] if is_refused else ["a", OUTPUT_NAME]]
    if not is_refused:
        assert store.attachment("e", OUTPUT_NAME, tid=0) == b"x is 0.5\n"


def isolated(store: MemoryStore) -> IsolatedEvaluator:
    return IsolatedEvaluator(
        echo=False, load=partial(Load.of, objectives=ObjectiveCache(store, SECRET)), term_grace_s=0.1
    )


def test_refused_attachments_are_named_and_the_loss_is_kept(store: RecordingStore, slot: Slot) -> None:
    experiment(store)
    store.refusal = StoreError("There is no room.")

    slot.work()

    trial = store.trial("e", 0)
    assert (trial.state, trial.loss) == (State.DONE, 0.5)
    assert trial.error is not None
    assert trial.error.kind is FailureKind.UNSTORABLE
    for name in ("a", "b"):
        assert f"The attachment '{name}' could not be stored: There is no room." in trial.error.message


def test_nothing_is_attached_to_a_trial_whose_lease_is_lost(
    store: RecordingStore, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search may have been deleted, and another one may use the number now."""
    experiment(store)
    monkeypatch.setattr(store, "renew", lambda trial: LeaseStatus.LOST)

    slot.work()

    assert store.n_attachments("e") == 1  # the objective
    assert slot.tally.outcomes()[Outcome.LOST] == 1


def test_a_trial_is_left_to_others_if_the_store_stays_away(store: RecordingStore, slot: Slot) -> None:
    experiment(store)
    store.refusal = StoreUnavailableError("It is away.")

    slot.work()

    assert store.trial("e", 0).state is State.RUNNING
    assert slot.shutdown.is_draining()


def test_a_result_without_permission_to_write_is_not_reduced_to_its_loss(
    store: RecordingStore, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with the permission evaluates the trial again."""
    experiment(store)
    finish, answers = store.finish, iter([StorePermissionError("The password was changed.")])

    def refused_at_first(trial: Any, result: Any) -> None:
        for refusal in answers:
            raise refusal
        finish(trial, result)

    monkeypatch.setattr(store, "finish", refused_at_first)
    slot.work()

    assert store.trial("e", 0).state is State.RUNNING
    assert isinstance(slot.shutdown.error, StorePermissionError)


def test_a_draining_worker_that_is_refused_leaves_without_an_error(
    store: RecordingStore, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment(store)

    def refused(*args: Any) -> None:
        slot.shutdown.drain()
        raise StorePermissionError("The password was changed.")

    monkeypatch.setattr(store, "claim", refused)
    slot.work()

    assert slot.shutdown.error is None


def test_an_objective_is_fetched_once_for_all_slots_and_again_for_a_re_created_experiment(
    store: RecordingStore,
) -> None:
    first = experiment(store)
    objectives = ObjectiveCache(store, SECRET)

    assert {objectives(first).unpickle()({})["loss"] for _ in range(3)} == {0.5}
    assert store.n_read == 1

    re_created = replace(first, created_at=first.created_at.replace(year=2000))
    assert objectives(re_created) == objectives(re_created)
    assert store.n_read == 2


def test_a_deleted_objective_is_refused(store: RecordingStore) -> None:
    opened = experiment(store)
    store.detach("e", ATTACHMENT)

    with pytest.raises(LoadError, match="'e' was sent by value and cannot be read: "):
        ObjectiveCache(store, SECRET)(opened)


def test_an_experiment_with_a_corrupt_attachment_is_not_served(
    store: RecordingStore, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker continues, and may serve others."""
    opened = experiment(store)

    def damaged(*args: Any, **options: Any) -> None:
        raise StoreError("The attachment e/objective is damaged.")

    monkeypatch.setattr(store, "attachment", damaged)
    slot.work()

    assert slot.shutdown.error is None
    assert slot.served.running() == {}
    with pytest.raises(LoadError, match="'e' was sent by value and cannot be read: The attachment"):
        ObjectiveCache(store, SECRET)(opened)


def test_a_refused_experiment_is_served_once_it_is_re_created(store: RecordingStore, slot: Slot) -> None:
    refused = experiment(store)
    store.attach("e", ATTACHMENT, b"unsigned")
    slot.work()
    assert store.trial("e", 0).state is State.PENDING
    assert slot.served.running() == {}

    store.delete_experiment("e")
    assert store.experiments({ExperimentState.RUNNING}) == []
    assert refused.exp_key == experiment(store).exp_key
    assert list(slot.served.running(refresh=True)) == ["e"]


def test_a_trial_of_a_re_created_experiment_is_not_evaluated_with_the_old_objective(
    store: RecordingStore, slot: Slot
) -> None:
    """A worker reads the experiments every two seconds; meanwhile one may be deleted and re-created."""
    old = experiment(store, loss=0.5)
    assert list(slot.served.running()) == ["e"]
    slot.evaluator.prepare(old, lambda: None)
    re_create(store, old)

    slot.work()

    trial = store.trial("e", 0)
    assert trial.loss == 0.25
    assert [ended.why for ended in trial.history] == ["experiment was re-created"]


@pytest.mark.parametrize("exp_keys", [[], ["e"]])
def test_a_re_created_experiment_is_not_refused_for_the_old_one(
    store: RecordingStore, slot: Slot, exp_keys: Any
) -> None:
    """The signature of the new one is wrong for the old one, which the worker still knows."""
    slot = replace(slot, served=ServedExperiments(store, exp_keys))
    old = experiment(store, loss=0.5)
    assert list(slot.served.running()) == ["e"]
    re_create(store, old)

    slot.work()

    assert store.trial("e", 0).loss == 0.25


def re_create(store: RecordingStore, old: Experiment) -> None:
    wait_until(lambda: store.now() > old.created_at, "a later time")
    store.delete_experiment("e")
    experiment(store, loss=0.25)


def test_a_trial_that_an_old_coordinator_left_in_a_new_experiment_is_evaluated(
    store: RecordingStore, slot: Slot
) -> None:
    opened = experiment(store, n=0)
    store.insert(
        [replace(trial, exp_created_at=store.now().replace(year=2000)) for trial in trials_of(opened)]
    )

    slot.work()

    assert store.trial("e", 0).loss == 0.5


def test_a_worker_shares_its_claims_among_experiments_by_priority(store: RecordingStore, slot: Slot) -> None:
    """The oldest experiment has a long queue."""
    for exp_key, n, priority in (("oldest", 200, 1), ("newer", 40, 1), ("urgent", 40, 2), ("idle", 0, 9)):
        opened = store.open_experiment(
            Experiment(
                exp_key=exp_key,
                space=SPACE.to_json(),
                space_fingerprint=SPACE.fingerprint,
                objective=ObjectiveRef(kind="import", ref="tests.integration.worker.test_slot:half"),
                priority=priority,
            )
        )
        store.insert(trials_of(opened, n))

    replace(slot, tally=Tally(THREAD_WORKER, max_trials=40)).work()

    n_done = {e.exp_key: store.counts(e.exp_key)[State.DONE] for e in store.experiments()}
    assert sum(n_done.values()) == 40
    assert n_done["idle"] == 0
    assert abs(n_done["oldest"] - 10) <= 4
    assert abs(n_done["newer"] - 10) <= 4
    assert abs(n_done["urgent"] - 20) <= 6


class PausedMeanwhile(InlineEvaluator):
    """An evaluator that changes the state of the search while it loads the objective for the nth time."""

    def __init__(self, store: RecordingStore, move: Callable[[], object], nth: int) -> None:
        super().__init__(partial(Load.of, objectives=ObjectiveCache(store, SECRET)))
        self.move, self.left = move, nth

    def prepare(self, experiment: Any, should_stop: Any) -> None:
        super().prepare(experiment, should_stop)
        self.left -= 1
        if self.left == 0:
            self.move()


@pytest.mark.parametrize("nth", [1, 2], ids=["before the claim", "after the claim"])
@pytest.mark.parametrize("state", [ExperimentState.PAUSED, ExperimentState.STOPPED, ExperimentState.DONE])
def test_no_trial_begins_if_the_search_was_paused_or_ended_during_loading(
    store: RecordingStore, slot: Slot, state: ExperimentState, nth: int
) -> None:
    """Also if the evaluating process died, and the next one loads the objective after the claim."""
    experiment(store, n=3)
    evaluator = PausedMeanwhile(store, lambda: store.set_experiment_state("e", state), nth)

    replace(slot, evaluator=evaluator, tally=Tally(THREAD_WORKER, max_trials=1)).work()

    assert store.counts("e")[State.PENDING] == 3
    first = store.trial("e", 0)
    assert (first.attempt, first.history, first.owner, first.worker) == (1, (), None, None)


def test_a_trial_that_did_not_begin_because_of_a_pause_is_evaluated_after_it(
    store: RecordingStore, slot: Slot
) -> None:
    experiment(store, n=2)
    evaluator = PausedMeanwhile(store, lambda: store.set_experiment_state("e", ExperimentState.PAUSED), nth=1)
    paused = replace(slot, evaluator=evaluator, tally=Tally(THREAD_WORKER, max_trials=1))
    paused.work()
    assert paused.tally.outcomes()[Outcome.NOT_BEGUN] == 1
    assert paused.tally.reserve_trial()  # its reservation was returned

    store.set_experiment_state("e", ExperimentState.RUNNING)
    slot.served.running(refresh=True)
    slot.work()

    trials = list(store.trials("e"))
    assert [(trial.loss, trial.attempt, trial.history) for trial in trials] == [(0.5, 2, ()), (0.5, 1, ())]


def test_a_pause_of_one_search_delays_no_other(store: RecordingStore, slot: Slot) -> None:
    for exp_key in ("paused", "other"):
        opened = store.open_experiment(
            Experiment(
                exp_key=exp_key,
                space=SPACE.to_json(),
                space_fingerprint=SPACE.fingerprint,
                objective=ObjectiveRef(kind="import", ref="tests.integration.worker.test_slot:half"),
            )
        )
        store.insert(trials_of(opened, 5))
    assert set(slot.served.running()) == {"paused", "other"}
    store.set_experiment_state("paused", ExperimentState.PAUSED)

    slot.work()

    assert store.counts("other")[State.DONE] == 5
    assert store.counts("paused")[State.PENDING] == 5
    assert sum(trial.attempt for trial in store.trials("paused")) <= 1  # then it read the experiments


def test_a_worker_continues_if_a_search_is_deleted_right_after_a_claim(
    store: RecordingStore, slot: Slot
) -> None:
    experiment(store)
    evaluator = PausedMeanwhile(store, lambda: store.delete_experiment("e"), nth=2)

    deleted = replace(slot, evaluator=evaluator)
    deleted.work()

    assert deleted.shutdown.error is None
    assert deleted.tally.outcomes()[Outcome.NOT_BEGUN] == 1


def test_every_trial_that_begins_was_claimed_before_the_pause(store: RecordingStore, slot: Slot) -> None:
    """Four slots work when the search is paused; the trials are read right after that."""
    begun: list[float] = []
    waiting: set[float] = set()

    def objective(config: Any) -> float:
        begun.append(config["x"])
        if len(begun) == 40:
            store.set_experiment_state("e", ExperimentState.PAUSED)
            waiting.update(trial.values["x"] for trial in store.trials("e", states=[State.PENDING]))
        return 0.5

    n = 400
    opened = experiment(store, n=0)
    store.insert([replace(t, values={"x": t.tid / n}) for t in trials_of(opened, n)])
    # Each leaves after three polls without a trial.
    slots = [replace(slot, evaluator=CallsHere(objective)) for _ in range(4)]
    threads = [threading.Thread(target=each.work) for each in slots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting
    assert not waiting & set(begun)


class CallsHere:
    """An evaluator that calls a function in the slot's own thread."""

    def __init__(self, objective: Callable[[dict[str, Any]], float]) -> None:
        self.objective = objective

    def prepare(self, experiment: Any, should_stop: Any) -> None:
        pass

    def evaluate(self, trial: Any, experiment: Any, should_stop: Any, on_event: Any) -> Result:
        return Result(loss=self.objective(dict(trial.values)), duration_s=0.0)

    def close(self) -> None:
        pass


def test_a_new_experiment_is_evaluated_with_the_present_code(
    store: RecordingStore, slot: Slot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The evaluating process has loaded the objective before it is edited and another search starts."""
    file = tmp_path / "edited_between_searches.py"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def begin(exp_key: str, loss: float) -> None:
        file.write_text(f"def objective(config): return {loss}")
        opened = store.open_experiment(
            Experiment(
                exp_key=exp_key,
                space=SPACE.to_json(),
                space_fingerprint=SPACE.fingerprint,
                objective=parse_target(str(file)),
            )
        )
        store.insert(trials_of(opened))

    begin("before", 0.5)
    endless = replace(slot, evaluator=IsolatedEvaluator(echo=False), limits=Limits())
    thread = threading.Thread(target=endless.work)
    thread.start()
    try:
        wait_until(lambda: store.trial("before", 0).state.is_final, "the first")
        begin("after", 0.25)
        wait_until(lambda: store.trial("after", 0).state.is_final, "the second")
    finally:
        slot.shutdown.drain()
        thread.join()
    assert (store.trial("before", 0).loss, store.trial("after", 0).loss) == (0.5, 0.25)


def test_a_worker_warns_once_that_an_objective_takes_long_to_load(
    store: RecordingStore, slot: Slot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    may_end = tmp_path / "may_end"
    file = tmp_path / "loads_for_long.py"
    file.write_text(
        "import os, time\n"
        f"while not os.path.exists({str(may_end)!r}):\n"
        "    time.sleep(0.01)\n"
        "def objective(config): return 0.5\n"
    )
    opened = store.open_experiment(
        Experiment(
            exp_key="e",
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=parse_target(str(file)),
        )
    )
    store.insert(trials_of(opened))
    thread = threading.Thread(
        target=replace(slot, evaluator=IsolatedEvaluator(echo=False), loading_warning_s=0.0).work
    )
    thread.start()
    try:
        wait_until(lambda: "still loading" in caplog.text, "a warning")
    finally:
        may_end.touch()
        thread.join()
    assert store.trial("e", 0).loss == 0.5
    assert caplog.text.count("still loading") == 1


def test_a_long_evaluation_does_not_stall_the_watchdog(
    store: RecordingStore, slot: Slot, tmp_path: Path
) -> None:
    """The slot beats while its child evaluates, and the heartbeat while nothing is due."""
    now = [0.0]
    watchdog = Watchdog(lambda: now[0])
    begun, may_end = tmp_path / "begun", tmp_path / "may_end"

    def objective(config: Any) -> float:
        begun.touch()
        while not may_end.exists():
            time.sleep(0.01)
        return 0.5

    open_by_value(store, objective)
    heartbeat = Heartbeat(store, lambda: THREAD_WORKER, watchdog)
    heartbeat.start()
    evaluator = IsolatedEvaluator(echo=False, load=partial(Load.of, objectives=ObjectiveCache(store, SECRET)))
    watched = replace(slot, evaluator=evaluator, heartbeat=heartbeat, watchdog=watchdog)

    def work() -> None:
        with watchdog.loop("slot"):
            watched.work()

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(begun.exists, "the evaluation")
    for round_ in range(1, 4):
        now[0] = round_ * (STALL_S + 1)
        wait_until(lambda: not watchdog.stalled(), "a step of the slot and one of the heartbeat")
    may_end.touch()
    thread.join()
    heartbeat.stop(THREAD_WORKER, 1.0)
    assert store.trial("e", 0).state is State.DONE


@pytest.mark.parametrize("what", ["experiments", "attachment"])
def test_a_slot_that_waits_for_a_read_of_another_slot_does_not_stall(
    store: RecordingStore, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """One slot reads for all of them, and waits during an outage."""
    now = [0.0]
    watchdog = Watchdog(lambda: now[0])
    opened, answer = experiment(store), getattr(store, what)
    is_back, both_began, asking = threading.Event(), threading.Barrier(3), []

    def answer_after_the_outage(*args: Any, **options: Any) -> Any:
        asking.append(threading.current_thread().name)
        is_back.wait(120)
        return answer(*args, **options)

    monkeypatch.setattr(store, what, answer_after_the_outage)
    served, objectives = ServedExperiments(store, [], watchdog), ObjectiveCache(store, SECRET, watchdog)

    def work() -> None:
        with watchdog.loop(threading.current_thread().name):
            both_began.wait(120)
            served.running() if what == "experiments" else objectives(opened)

    slots = [threading.Thread(target=work) for _ in range(2)]
    for slot in slots:
        slot.start()
    both_began.wait(120)
    wait_until(lambda: asking, "one to ask")
    now[0] = STALL_S + 1
    try:
        wait_until(lambda: set(watchdog.stalled()) == set(asking), "a step of the one that waits")
    finally:
        is_back.set()
        for slot in slots:
            slot.join()
    assert len(asking) == 1
