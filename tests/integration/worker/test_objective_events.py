"""Events from threads and processes of an objective reach its trial, and no other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Report, Trial
from hpsearch.objective.current_trial import Attachment
from hpsearch.objective.loading import parse_target
from hpsearch.space.tree import Space
from hpsearch_worker.evaluator import Evaluator
from hpsearch_worker.inline_evaluator import InlineEvaluator
from hpsearch_worker.isolated_evaluator import IsolatedEvaluator
from hpsearch_worker.messages import ObjectiveEvent

OBJECTIVES = """
import multiprocessing, os, signal, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
import hpsearch

POOL = ThreadPoolExecutor(2)
release = threading.Event()

def fold(i):
    trial = hpsearch.current_trial()
    trial.report(i, 0.5 + i)
    trial.attach(f"fold{i}", bytes([i]) * 1000)
    return 1.0

def threads(config):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fold, range(3)))
    with ThreadPool(2) as pool:
        pool.map(fold, range(3, 5))
    thread = threading.Thread(target=fold, args=(5,))
    thread.start()
    thread.join()
    return 0.0

def kept_pool(config):
    list(POOL.map(fold, range(6)))
    return 0.0

def processes(config, how):
    with multiprocessing.get_context(how).Pool(2) as pool:
        pool.map(fold, range(6))
    return 0.0

def forks(config):
    return processes(config, "fork")

def spawns(config):
    return processes(config, "spawn")

def a_server_forks(config):
    return processes(config, "forkserver")

def threads_of_a_process(config):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(threads, (config,))
    return 0.0

def a_program(config):
    code = "import objectives_with_events as o; [o.fold(i) for i in range(6)]"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=os.path.dirname(__file__))
    return 0.0

def use(trial, i):
    trial.report(i, 0.5 + i)
    trial.attach(f"fold{i}", bytes([i]) * 1000)

SPAWNED = []

def handed_over(config):
    if not SPAWNED:
        SPAWNED.append(multiprocessing.get_context("spawn").Pool(1))
    trial = hpsearch.current_trial()
    SPAWNED[0].starmap(use, [(trial, i) for i in range(6)])
    return 0.0

def in_the_middle_of_a_message(config):
    trial = hpsearch.current_trial()
    signal.signal(signal.SIGALRM, lambda *_: trial.report(1, 1))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    for i in range(6):
        trial.attach(f"large{i}", bytes([i]) * 8_000_000)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return 0.0

def many_large_at_once(config):
    def attach(i):
        hpsearch.current_trial().attach(f"large{i}", bytes([i]) * 3_000_000)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(attach, range(3)))
    children = []
    for i in range(3, 6):
        children.append(os.fork())
        if not children[-1]:
            attach(i)
            os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    return 0.0

def leaves_a_thread(config):
    def late():
        release.wait()
        hpsearch.current_trial().report(99, 99)
    threading.Thread(target=late, daemon=True).start()
    return 0.0

def lets_it_go_on(config):
    release.set()
    time.sleep(0.2)
    fold(0)
    return 0.0

def leaves_a_process(config):
    code = "import sys, hpsearch; t = hpsearch.current_trial(); t.report(7, 7); print('ready', flush=True);"
    code += "sys.stdin.read(); t.report(99, 99); hpsearch.current_trial().report(99, 99); print('done')"
    SPAWNED.append(subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, stderr=-1, text=True))
    SPAWNED[0].stdout.readline()
    return 0.0

def lets_the_process_go_on(config):
    out, err = SPAWNED[0].communicate()
    fold(0)
    return {"loss": 0.0, "out": out, "n_warnings": err.count("HpsearchWarning")}

def dies_while_it_sends(config):
    child = os.fork()
    if not child:
        threading.Timer(0.3, os._exit, (1,)).start()
        hpsearch.current_trial().attach("half", b"x" * 500_000_000)
    os.waitpid(child, 0)
    fold(0)
    return 0.0
"""

SPACE = Space({"x": hp.uniform("x", 0, 1)})

ALL = {f"fold{i}": bytes([i]) * 1000 for i in range(6)}


class Events:
    """The events of one evaluation."""

    def __init__(self) -> None:
        self.reports: list[float] = []
        self.attachments: dict[str, bytes] = {}

    def __call__(self, event: ObjectiveEvent) -> None:
        if isinstance(event, Report):
            self.reports.append(event.step)
        elif isinstance(event, Attachment):
            self.attachments[event.name] = bytes(event.data)


Evaluate = Callable[..., tuple[Events, dict[str, object]]]


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """Evaluate one of the objectives; return its events and its result."""
    file = tmp_path / "objectives_with_events.py"
    file.write_text(OBJECTIVES)

    def call(evaluator: Evaluator, name: str, tid: int = 0) -> tuple[Events, dict[str, object]]:
        experiment = Experiment(
            exp_key=name,
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=parse_target(f"{file}:{name}"),
        )
        trial, events = Trial(exp_key=name, tid=tid, values={"x": 0.25}, attempt=1), Events()
        result = evaluator.evaluate(trial, experiment, lambda: None, events)
        assert result.error is None, result.error
        return events, dict(result.result)

    return call


@pytest.fixture
def isolated() -> Iterator[IsolatedEvaluator]:
    evaluator = IsolatedEvaluator(echo=False)
    yield evaluator
    evaluator.close()


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Iterator[InlineEvaluator]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield InlineEvaluator()
    sys.modules.pop("objectives_with_events", None)


@pytest.mark.parametrize("kind", ["isolated", "inline"])
@pytest.mark.parametrize("name", ["threads", "kept_pool"])
def test_events_from_threads_arrive_in_every_trial(
    evaluate: Evaluate, request: pytest.FixtureRequest, kind: str, name: str
) -> None:
    evaluator = request.getfixturevalue(kind)
    for tid in range(2):
        events, _ = evaluate(evaluator, name, tid)
        assert sorted(events.reports) == list(range(6))
        assert events.attachments == ALL


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["forks", "spawns", "a_server_forks", "threads_of_a_process", "a_program", "handed_over"]
)
def test_events_from_processes_arrive_in_every_trial(
    evaluate: Evaluate, isolated: IsolatedEvaluator, name: str
) -> None:
    for tid in range(1 if name == "a_server_forks" else 2):  # the server belongs to the first trial
        events, _ = evaluate(isolated, name, tid)
        assert sorted(events.reports) == list(range(6))
        assert events.attachments == ALL


@pytest.mark.parametrize("name", ["many_large_at_once", "in_the_middle_of_a_message"])
def test_concurrent_events_do_not_mix(evaluate: Evaluate, isolated: IsolatedEvaluator, name: str) -> None:
    events, _ = evaluate(isolated, name)
    assert sorted(events.attachments) == [f"large{i}" for i in range(6)]
    assert all(set(data) == {i} for i, (_, data) in enumerate(sorted(events.attachments.items())))


def test_a_thread_of_an_earlier_trial_reports_to_no_later_one(
    evaluate: Evaluate, isolated: IsolatedEvaluator
) -> None:
    evaluate(isolated, "leaves_a_thread", 0)
    events, _ = evaluate(isolated, "lets_it_go_on", 1)
    assert events.reports == [0]


def test_a_process_of_an_earlier_trial_warns_once_and_reports_to_no_later_one(
    evaluate: Evaluate, isolated: IsolatedEvaluator
) -> None:
    first, _ = evaluate(isolated, "leaves_a_process", 0)
    assert first.reports == [7]
    events, result = evaluate(isolated, "lets_the_process_go_on", 1)
    assert events.reports == [0]
    assert result["out"] == "done\n"
    assert result["n_warnings"] == 1


def test_a_process_that_is_killed_while_it_sends_harms_nothing(
    evaluate: Evaluate, isolated: IsolatedEvaluator
) -> None:
    events, _ = evaluate(isolated, "dies_while_it_sends")
    assert events.reports == [0]
    assert events.attachments.keys() == {"fold0"}


SCRIPT = """
import multiprocessing, threading
from hpsearch.objective.current_trial import CurrentTrial, current_trial
from hpsearch.objective.evaluation import evaluate

def report(i):
    for _ in range(3):
        current_trial().report(i, i)

if __name__ == "__main__":
    from hpsearch_worker.process_env import evaluation_in_environ
    from hpsearch.objective.process_reports import Evaluation
    report(0)  # outside a search: no warning

    def objective(config):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.map(report, range(2))
        return 0.0

    with evaluation_in_environ(Evaluation(number=0, tid=3)):
        evaluate(objective, dict, CurrentTrial())
"""


def test_a_process_without_its_trial_warns_once_and_one_outside_a_search_never(
    tmp_path: Path,
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stderr.count("HpsearchWarning") == 1, done.stderr


LATE_THREAD = """
import threading
from hpsearch.objective.current_trial import CurrentTrial, current_trial
from hpsearch.objective.evaluation import evaluate

go_on, events = threading.Event(), []

def late():
    go_on.wait()
    for _ in range(3):
        current_trial().report(1, 1)

def first(config):
    threads.append(threading.Thread(target=late))
    threads[0].start()
    return 0.0

def second(config):
    go_on.set()
    threads[0].join()
    return 0.0

threads = []
for objective in (first, second):
    evaluate(objective, dict, CurrentTrial(on_report=events.append))
print(events)
"""


def test_a_thread_whose_trial_is_unknown_warns_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE_THREAD], capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stdout == "[]\n"
    assert done.stderr.count("HpsearchWarning") == 1, done.stderr
