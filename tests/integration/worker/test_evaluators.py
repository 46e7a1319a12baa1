"""Both evaluators with real objectives that misbehave in every possible way."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import FailureKind, Report, Result, State, Trial
from hpsearch.errors import LoadError
from hpsearch.objective.loading import parse_target
from hpsearch.space.tree import Space, Values
from hpsearch_worker.evaluator import Evaluator, StoppedError, StopReason
from hpsearch_worker.inline_evaluator import InlineEvaluator
from hpsearch_worker.isolated_evaluator import IsolatedEvaluator
from hpsearch_worker.messages import Load

OBJECTIVES = """
import ctypes, os, stat, sys, time, warnings
import hpsearch

N_IMPORTS = open(os.environ["COUNT_FILE"], "a").write("x")
calls = 0

def good(config):
    global calls
    calls += 1
    hpsearch.current_trial().report(calls, config["x"])
    return {"loss": config["x"], "calls": calls, "pid": os.getpid()}

def raises(config):
    print("before the end")
    raise KeyError("gone")

def exits(config):
    sys.exit(7)

def exits_hard(config):
    os._exit(7)

def crashes(config):
    print("about to crash", flush=True)
    ctypes.string_at(0)

def out_of_memory(config):
    os.kill(os.getpid(), 9)

def hangs(config):
    time.sleep(600)

def hangs_stubbornly(config):
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(0.05)

def chatty(config):
    for i in range(40_000):
        print("line", i)
    raise ValueError("after all that")

def forks(config):
    import subprocess
    child = subprocess.Popen(["sleep", "600"])
    return {"loss": 0.0, "child": child.pid}

class Odd(BaseException):
    pass

def raises_beside_exception(config):
    raise Odd("odd")

def interrupts_itself(config):
    raise KeyboardInterrupt

def closes_its_output(config):
    sys.stdout.close()
    sys.stderr.close()
    return config["x"]

def closes_all_files(config):
    os.closerange(0, 1000)
    time.sleep(600)

def writes_into_the_line(config):
    os.write(channel(), b"\\0\\0\\0\\x04oops")
    time.sleep(600)

def claims_to_send_much(config):
    os.write(channel(), b"\\x7f\\xff\\xff\\xff")
    time.sleep(600)

def ends_within_a_message(config):
    from hpsearch.runtime.message_framing import HEADER, MARK
    os.write(channel(), HEADER.pack(MARK, 2**62) + b"oops")
    time.sleep(600)

def channel():
    return next(int(n) for n in os.listdir("/proc/self/fd") if is_socket(int(n)))

def is_socket(fd):
    try:
        return fd > 2 and stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False

def moves_away(config):
    here = os.getcwd()
    os.chdir("/")
    return {"loss": 0.0, "here": here}

def changes_its_config(config):
    seen = config["x"]
    config.clear()
    return seen

def returns_twice(config):
    os.fork()
    return {"loss": float(config["x"]), "pid": os.getpid()}

def speaks_on(config):
    import threading
    trial = hpsearch.current_trial()
    def speak():
        for _ in range(1000):
            trial.report(99, 99)
            time.sleep(0.001)
    threading.Thread(target=speak, daemon=True).start()
    return 0.0

def leaves_a_fork_that_speaks(config):
    if os.fork() == 0:
        for _ in range(1000):
            hpsearch.current_trial().report(99, 99)
            time.sleep(0.001)
        os._exit(0)
    return 0.0

class Loss(float):
    pass

class Lazy(dict):
    def get(self, key, default=None):
        raise RuntimeError("not today")

def returns_own_types(config):
    return {"loss": Loss(0.5), "other": Loss(0.25), "lost": lambda: 0}

def returns_what_cannot_be_read(config):
    return Lazy(loss=1.0)

def returns_a_huge_array(config):
    import numpy as np
    return {"loss": 0.5, "weights": np.zeros(20 * 2**20 // 8)}

def never_ends_a_line(config):
    for _ in range(64):
        sys.stdout.write("x" * 2**20)
    return 0.0

def catches_alarms(config):
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return 0.0

def tells_where_it_is(config):
    folder = os.getcwd()
    os.chdir("/")
    return {"loss": 0.0, "folder": folder}

not_callable = 3
"""

SPACE = Space({"x": hp.uniform("x", 0, 1)})


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Experiment]:
    """Make experiments whose objective is one of the functions above."""
    monkeypatch.setenv("COUNT_FILE", str(tmp_path / "imports"))
    file = tmp_path / "objectives_under_test.py"
    file.write_text(OBJECTIVES)

    def make(name: str) -> Experiment:
        return Experiment(
            exp_key=name,
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=parse_target(f"{file}:{name}"),
        )

    return make


@pytest.fixture
def killed_while_loading(tmp_path: Path) -> Callable[[int], Experiment]:
    """Make experiments whose first ``n`` processes are killed while they load the objective."""

    def make(n_killed: int) -> Experiment:
        file = tmp_path / "loads_badly.py"
        file.write_text(f"""
import os
with open({str(tmp_path / "loads")!r}, "a") as loads:
    loads.write("x")
if os.path.getsize({str(tmp_path / "loads")!r}) <= {n_killed}:
    os.kill(os.getpid(), 9)

def objective(config):
    return config["x"]
""")
        return Experiment(
            exp_key="loads-badly",
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=parse_target(str(file)),
        )

    return make


@pytest.fixture
def isolated() -> Iterator[IsolatedEvaluator]:
    evaluator = IsolatedEvaluator(echo=False)
    yield evaluator
    evaluator.close()


@pytest.fixture
def impatient() -> Iterator[IsolatedEvaluator]:
    """An evaluator that kills a child soon after it asked it to end."""
    evaluator = IsolatedEvaluator(echo=False, term_grace_s=0.2)
    yield evaluator
    evaluator.close()


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Iterator[InlineEvaluator]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield InlineEvaluator()
    sys.modules.pop("objectives_under_test", None)


@pytest.fixture(params=["isolated", "inline"])
def evaluator(request: pytest.FixtureRequest) -> Evaluator:
    chosen: Evaluator = request.getfixturevalue(request.param)
    return chosen


def run(
    evaluator: Evaluator,
    experiment: Experiment,
    *,
    stop: StopReason | None = None,
    after_s: float = 0.3,
    tid: int = 0,
    values: Values | None = None,
) -> tuple[Result, list[Report]]:
    reports: list[Report] = []
    started = time.monotonic()

    def should_stop() -> StopReason | None:
        return stop if time.monotonic() - started > after_s else None

    trial = Trial(exp_key=experiment.exp_key, tid=tid, values=values or {"x": 0.25}, attempt=1)
    return evaluator.evaluate(trial, experiment, should_stop, reports.append), reports


def test_a_good_objective_returns_its_loss_its_result_and_its_reports(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, reports = run(evaluator, experiment("good"))
    assert (result.loss, result.error) == (0.25, None)
    assert reports == [Report(step=1.0, value=0.25)]


def test_the_module_is_imported_once_for_many_trials(
    evaluator: Evaluator, experiment: Callable[[str], Experiment], tmp_path: Path
) -> None:
    results = [run(evaluator, experiment("good"), tid=tid)[0] for tid in range(3)]
    assert [r.result["calls"] for r in results] == [1, 2, 3]
    assert (tmp_path / "imports").read_text() == "x"


def test_an_exception_is_a_failure_with_its_traceback(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(evaluator, experiment("raises"))
    assert result.error is not None
    assert result.error.kind is FailureKind.EXCEPTION
    assert "in raises" in (result.error.traceback or "")


@pytest.mark.parametrize("make", [partial(IsolatedEvaluator, echo=False), InlineEvaluator])
def test_every_evaluation_begins_in_the_working_folder(
    make: Any, experiment: Callable[[str], Experiment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the last one changed to another folder. Objectives are loaded from the worker's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    evaluator = make(load=partial(Load.of, workdir=str(scratch)))
    try:
        results = [run(evaluator, experiment("tells_where_it_is"), tid=tid)[0] for tid in range(2)]
        (tmp_path / "beside.py").write_text("def objective(config): return 0.5")
        beside = replace(experiment("beside"), objective=ObjectiveRef(kind="file", ref="beside.py:objective"))
        assert run(evaluator, beside)[0].loss == 0.5
    finally:
        evaluator.close()
        for name in ("objectives_under_test", "beside"):
            sys.modules.pop(name, None)
    assert [r.result["folder"] for r in results] == [str(scratch), str(scratch)]


def test_sys_exit_is_a_failure(evaluator: Evaluator, experiment: Callable[[str], Experiment]) -> None:
    result, _ = run(evaluator, experiment("exits"))
    assert result.error is not None
    assert result.error.kind is FailureKind.EXIT


def test_a_hanging_objective_is_stopped_by_its_timeout(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(evaluator, experiment("hangs"), stop=StopReason.TIMEOUT)
    assert result.error is not None
    assert result.error.kind is FailureKind.TIMEOUT


@pytest.mark.parametrize("why", [StopReason.CANCELLED, StopReason.LOST, StopReason.DRAINED])
def test_a_stopped_evaluation_has_no_result(
    evaluator: Evaluator, experiment: Callable[[str], Experiment], why: Any
) -> None:
    with pytest.raises(StoppedError) as caught:
        run(evaluator, experiment("hangs"), stop=why)
    assert caught.value.why is why


def test_a_loading_error_is_raised_before_any_trial_is_claimed(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    with pytest.raises(LoadError, match="not a function"):
        evaluator.prepare(experiment("not_callable"), lambda: None)


def test_a_process_that_is_killed_while_it_loads_is_replaced(
    isolated: IsolatedEvaluator, killed_while_loading: Callable[[int], Experiment]
) -> None:
    """The signal may come from outside, such as the kernel's when memory runs out."""
    result, _ = run(isolated, killed_while_loading(2))
    assert result.loss == 0.25


def test_an_experiment_that_kills_every_process_is_refused_with_the_signal(
    isolated: IsolatedEvaluator, killed_while_loading: Callable[[int], Experiment]
) -> None:
    with pytest.raises(LoadError, match=r"while it loaded .*SIGKILL"):
        isolated.prepare(killed_while_loading(100), lambda: None)


@pytest.mark.parametrize("name", ["raises_beside_exception", "interrupts_itself"])
def test_any_exception_is_a_failure_and_the_process_continues(
    evaluator: Evaluator, experiment: Callable[[str], Experiment], name: str
) -> None:
    before, _ = run(evaluator, experiment("good"))
    result, _ = run(evaluator, experiment(name))
    assert result.error is not None
    assert result.error.kind is FailureKind.EXCEPTION
    assert f"in {name}" in (result.error.traceback or "")
    after, _ = run(evaluator, experiment("good"))
    assert after.result["pid"] == before.result["pid"]


def test_an_unreadable_result_is_a_failure_and_the_process_continues(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(evaluator, experiment("returns_what_cannot_be_read"))
    assert result.error is not None
    assert "not today" in result.error.message


def test_types_of_the_user_become_plain_types(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(evaluator, experiment("returns_own_types"))
    assert (result.loss, result.result["other"]) == (0.5, 0.25)
    assert type(result.result["other"]) is float
    assert result.error is not None
    assert "result['lost']" in result.error.message


def test_a_value_too_large_to_store_is_dropped_and_the_loss_kept(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(isolated, experiment("returns_a_huge_array"), after_s=60)
    assert (result.loss, sorted(result.result)) == (0.5, ["loss", "status"])
    assert result.error is not None
    assert "result['weights']" in result.error.message


def test_each_evaluation_begins_in_the_same_folder(
    evaluator: Evaluator,
    experiment: Callable[[str], Experiment],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    here = [run(evaluator, experiment("moves_away"), tid=tid)[0].result["here"] for tid in range(2)]
    assert here == [str(tmp_path)] * 2


def test_an_objective_may_change_its_config(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    assert [run(evaluator, experiment("changes_its_config"), tid=t)[0].loss for t in range(2)] == [0.25] * 2


def test_a_failing_operation_of_the_space_fails_only_its_trial(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    space = Space({"x": 1 / hp.quniform("x", -1, 1, 1)})
    inverse = replace(experiment("good"), space=space.to_json(), exp_key="inverse")
    result, _ = run(evaluator, inverse, values={"x": 0.0})
    assert result.error is not None
    assert "truediv" in result.error.message
    assert run(evaluator, inverse, values={"x": 1.0})[0].loss == 1.0


def test_after_a_closed_output_the_result_and_the_next_output_are_kept(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    assert run(isolated, experiment("closes_its_output"))[0].loss == 0.25
    result, _ = run(isolated, experiment("raises"))
    assert result.error is not None
    assert result.error.log_tail == "before the end\n"


def test_an_objective_that_closes_the_channel_fails_without_hanging_the_worker(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(isolated, experiment("closes_all_files"), after_s=60)
    assert result.error is not None
    assert "closed its channel" in result.error.message
    assert run(isolated, experiment("good"))[0].loss == 0.25


@pytest.mark.parametrize("name", ["writes_into_the_line", "claims_to_send_much"])
def test_an_objective_that_writes_into_the_channel_fails_and_the_next_trial_runs(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment], name: str
) -> None:
    """Bytes that are no message end the child that sent them, not the worker."""
    result, _ = run(isolated, experiment(name), after_s=60)
    assert result.error is not None
    assert result.error.kind is FailureKind.EXIT
    assert "own into the channel" in result.error.message
    assert run(isolated, experiment("good"))[0].loss == 0.25


def test_an_evaluation_can_be_stopped_within_an_unfinished_message(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    """A fork of the objective may be killed while it sends."""
    with pytest.raises(StoppedError):
        run(isolated, experiment("ends_within_a_message"), stop=StopReason.CANCELLED)
    assert run(isolated, experiment("good"))[0].loss == 0.25


def test_a_fork_that_returns_from_the_objective_sends_no_second_answer(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    losses = []
    for tid in range(4):
        result, _ = run(isolated, experiment("returns_twice"), tid=tid, values={"x": tid / 4})
        losses.append(result.loss)
    assert losses == [0.0, 0.25, 0.5, 0.75]
    assert run(isolated, experiment("good"))[0].loss == 0.25


def test_a_fork_that_returns_into_an_inline_worker_exits(
    inline: InlineEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    """Otherwise it would continue as a second worker with the trials, name and connections of the first."""
    me = os.getpid()
    run(inline, experiment("returns_twice"))
    if os.getpid() != me:
        os._exit(3)
    _, status = os.wait()
    assert os.waitstatus_to_exitcode(status) == 0


def test_reports_of_what_an_objective_left_running_are_dropped(
    evaluator: Evaluator, experiment: Callable[[str], Experiment]
) -> None:
    run(evaluator, experiment("speaks_on"))
    _, reports = run(evaluator, experiment("hangs"), stop=StopReason.TIMEOUT)
    assert reports == []


def test_a_late_report_of_a_fork_reaches_no_other_trial(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    run(isolated, experiment("leaves_a_fork_that_speaks"))
    _, reports = run(isolated, experiment("hangs"), stop=StopReason.TIMEOUT)
    assert reports == []


def test_an_experiment_is_loaded_from_the_folder_in_which_the_worker_started(
    isolated: IsolatedEvaluator,
    experiment: Callable[[str], Experiment],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    run(isolated, experiment("moves_away"))
    nearby = ObjectiveRef(kind="file", ref="objectives_under_test.py:good")
    assert run(isolated, replace(experiment("good"), objective=nearby))[0].loss == 0.25


def test_signal_handlers_of_an_objective_do_not_outlive_its_process(
    impatient: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    assert run(impatient, experiment("catches_alarms"))[0].loss == 0.0
    result, _ = run(impatient, experiment("hangs"), stop=StopReason.TIMEOUT)
    assert result.state is State.FAILED
    assert run(impatient, experiment("good"))[0].loss == 0.25


def test_an_endless_line_is_echoed_in_pieces(
    experiment: Callable[[str], Experiment], capfd: pytest.CaptureFixture[str]
) -> None:
    evaluator = IsolatedEvaluator(echo=True)
    try:
        result, _ = run(evaluator, experiment("never_ends_a_line"), after_s=60)
        assert result.loss == 0.0
        n_echoed = capfd.readouterr().err.count("x")
        assert n_echoed > 63 * 2**20  # before the line ends
    finally:
        evaluator.close()
    assert n_echoed + capfd.readouterr().err.count("x") == 64 * 2**20


def test_an_evaluator_leaves_no_files_open(experiment: Callable[[str], Experiment]) -> None:
    def files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    evaluator = IsolatedEvaluator(echo=False)
    before = files()
    for name in ("crashes", "exits_hard", "good", "closes_all_files"):
        run(evaluator, experiment(name), after_s=60)
    evaluator.close()
    assert files() == before


@pytest.mark.parametrize(
    ("name", "kind", "signal_name", "exit_code"),
    [
        ("exits_hard", FailureKind.EXIT, None, 7),
        ("crashes", FailureKind.SIGNAL, "SIGSEGV", None),
        ("out_of_memory", FailureKind.SIGNAL, "SIGKILL", None),
    ],
)
def test_the_death_of_the_child_is_a_failure_and_the_next_trial_runs(
    isolated: IsolatedEvaluator,
    experiment: Callable[[str], Experiment],
    name: str,
    kind: FailureKind,
    signal_name: str | None,
    exit_code: int | None,
) -> None:
    result, _ = run(isolated, experiment(name))
    assert result.state is State.FAILED
    assert result.error is not None
    assert (result.error.kind, result.error.signal, result.error.exit_code) == (kind, signal_name, exit_code)
    assert run(isolated, experiment("good"))[0].loss == 0.25


def test_output_before_a_crash_is_stored(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(isolated, experiment("crashes"))
    assert result.error is not None
    assert "about to crash" in (result.error.log_tail or "")
    assert "Segmentation fault" in (result.error.log_tail or "")


def test_the_end_of_a_long_output_is_stored(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(isolated, experiment("chatty"))
    assert result.error is not None
    tail = result.error.log_tail or ""
    assert "line 39999\n" in tail
    assert len(tail.encode()) <= 64 * 1024


def test_output_of_one_trial_is_not_stored_with_the_next(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    run(isolated, experiment("chatty"))
    result, _ = run(isolated, experiment("raises"), tid=1)
    assert result.error is not None
    assert result.error.log_tail == "before the end\n"


def test_a_child_that_ignores_sigterm_is_killed(
    impatient: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(impatient, experiment("hangs_stubbornly"), stop=StopReason.TIMEOUT)
    assert result.error is not None
    assert result.error.kind is FailureKind.TIMEOUT


def test_processes_of_an_objective_end_with_its_child(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment]
) -> None:
    result, _ = run(isolated, experiment("forks"))
    isolated.close()
    deadline = time.monotonic() + 120
    while is_running(result.result["child"]):
        assert time.monotonic() < deadline, "the objective's own subprocess outlived the child"
        time.sleep(0.01)


def test_the_child_dies_with_the_worker(
    isolated: IsolatedEvaluator, experiment: Callable[[str], Experiment], tmp_path: Path
) -> None:
    """A worker that is killed with -9 leaves no evaluating process behind."""
    pid_file = tmp_path / "pid"
    script = (
        "import sys\n"
        "from hpsearch_worker.isolated_evaluator import ChildProcess\n"
        "from hpsearch_worker.output import Output\n"
        "child = ChildProcess(Output(echo=False), {})\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "sys.stdout.write('started'); sys.stdout.flush(); sys.stdin.read()\n"
    )
    import subprocess

    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.read(7) == b"started"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    child, deadline = int(pid_file.read_text()), time.monotonic() + 120
    while is_running(child):
        assert time.monotonic() < deadline, "the child outlived its worker"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
