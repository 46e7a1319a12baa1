"""Whatever an objective returns, raises or reports under a real worker: a final trial, and nothing obeyed."""

from __future__ import annotations

import pytest

from hpsearch.core.trial import FINISHED, State
from tests.support.command_line import Call
from tests.support.fleet import wait_for_exit
from tests.support.objectives import TrialQueue

#: By the value of "x": what to return, or raise, and whether the loss is kept.
OBJECTIVE = r"""
import hpsearch

class Spiteful:
    def __repr__(self):
        raise RuntimeError("no \0 repr")
    __str__ = __float__ = __len__ = __iter__ = __bool__ = __eq__ = __hash__ = __repr__

class Rude(BaseException):
    def __str__(self):
        raise KeyboardInterrupt

def nested(levels):
    value = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value

def circular():
    value = {}
    value["again"] = [value]
    return value

def give(*values):
    return [lambda value=value: value for value in values]

def throw(error):
    raise error

KEPT = give(
    {"loss": 0.5, "a\0b": 1, "\ud800": "\udfff", "$set": {"$ref": 1}, "a.b": 1, 3: 4, "": None},
    {"loss": 0.5, "deep": nested(1000), "again": circular(), "spite": Spiteful(), "int": 10**400},
    {"loss": 0.5, "deeper": nested(100_000)},
    {"loss": 0.5, "\x1b[2J\n": "\x1b[31m\x9b\u202e\r\n2026-01-01 00:00:00 ERROR", "emoji": "\N{PILE OF POO}"},
    {"loss": 0.5, "large": "x" * (20 * 2**20)},
    {"loss": 0.5, "many": dict.fromkeys(map(str, range(200_000)), "x" * 200)},
    {"loss": 0.5, "attachments": {"\0\n/..": b"x", "y": "no bytes", 3: b"", "spite": Spiteful()}},
    {"loss": 0.5, "attachments": Spiteful()},
)
FAILED = [
    *give(None, "0.5", b"x", 1j, float("nan"), {1, 2}, Spiteful(), nested(1000), circular(), []),
    *give({}, {"loss": "low"}, {"loss": None, "status": "ok"}, {"loss": Spiteful()}, {"status": Spiteful()}),
    *(lambda error=error: throw(error) for error in (
        ValueError("\0\ud800\x1b[31m\n2026-01-01 00:00:00 ERROR \x9b2J\u202e"),
        ValueError("x" * 10_000_000), ValueError(Spiteful()), Rude(),
        SystemExit(Spiteful()), RecursionError(), MemoryError(), GeneratorExit(),
    )),
]

def objective(config):
    try:
        hpsearch.current_trial().report("\x1b[31m", Spiteful())
    except Exception:
        pass
    return [*KEPT, *FAILED][int(config["x"])]()
"""
N_KEPT, N = 8, 31


@pytest.mark.parametrize("isolation", ["--isolate", pytest.param("--no-isolate", marks=pytest.mark.long)])
def test_hostile_results_end_every_trial_and_send_no_control_characters(
    queue: TrialQueue, call: Call, isolation: str
) -> None:
    (queue.fleet.folder / "anything.py").write_text(OBJECTIVE)
    key = queue.submit("objective", N, file="anything.py")
    worker = queue.fleet.worker("--burst", isolation)
    assert wait_for_exit(worker) == 0

    found = list(queue.store.trials(key))
    assert {trial.state for trial in found} <= FINISHED
    assert [trial.loss for trial in found] == [0.5] * N_KEPT + [None] * (N - N_KEPT)
    assert all(trial.attempt == 1 for trial in found)
    assert all(trial.error is not None for trial in found if trial.state is State.FAILED)
    log = (queue.fleet.folder / "process-0.log").read_text()
    assert [c for line in log.split("\n") for c in line if not c.isprintable()] == []
    assert not [line for line in log.split("\n") if line.startswith("2026-01-01 00:00:00 ERROR")]
    for arguments in (["trials", key], ["best", key], *(["show", key, str(tid)] for tid in (3, N - 8))):
        shown = call(*arguments)
        assert (shown.code, shown.err) == (0, "")
        assert {c for c in shown.out if not c.isprintable()} <= {"\n", "\t"}
