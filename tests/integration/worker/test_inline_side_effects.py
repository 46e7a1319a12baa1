"""Logging and signal handlers of an inline objective do not affect the worker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HABITS = """
import logging, logging.config, signal, sys

logging.basicConfig(level=logging.DEBUG, format="theirs %(name)s %(message)s", force={force})
logging.config.dictConfig({{"version": 1, "incremental": True, "root": {{"level": "DEBUG"}}}})
logging.disable(logging.INFO)
for signum in (signal.SIGTERM, signal.SIGINT):
    signal.signal(signum, signal.SIG_IGN)
log = logging.getLogger("objective")

def objective(config):
    log.info("not this")
    log.warning("but this")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return {{"loss": config["x"], "argv": sys.argv}}
"""

WORKER = """
import logging, signal, sys
from hpsearch import hp
from hpsearch.runtime.events import Event
from hpsearch.core.experiment import Experiment
from hpsearch.runtime.signals import Interrupt
from hpsearch.runtime.logs import log_to_stderr, log_as_json
from hpsearch.objective.loading import parse_target
from hpsearch.space.tree import Space
from hpsearch.core.trial import Trial
from hpsearch_worker.inline_evaluator import InlineEvaluator

if sys.argv[2] == "json":
    log_as_json()
log_to_stderr()
space = Space({"x": hp.uniform("x", 0, 1)})
target = parse_target(sys.argv[1])
experiment = Experiment(
    exp_key="e", space=space.to_json(), space_fingerprint=space.fingerprint, objective=target
)
with Interrupt() as interrupt:
    evaluator = InlineEvaluator()
    for tid in range(2):
        trial = Trial(exp_key="e", tid=tid, values={"x": 0.5}, attempt=1)
        result = evaluator.evaluate(trial, experiment, lambda: None, lambda event: None)
        assert result.result["argv"] == [sys.argv[1]], result
        logging.getLogger("hpsearch_worker.loop").info("ours %d", tid, extra=Event.TRIAL_DONE.of(tid=tid))
        logging.getLogger("pymongo").debug("a detail of the driver's")
    signal.raise_signal(signal.SIGTERM)
    assert interrupt.is_asked
"""


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_and_the_signal_handlers_of_the_worker_are_restored(
    tmp_path: Path, form: str, force: bool
) -> None:
    file = tmp_path / "search_with_habits.py"
    file.write_text(HABITS.format(force=force))
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(file), form], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    for said in ("ours 0", "ours 1"):
        assert done.stderr.count(said) == 1
    assert done.stderr.count("but this") == 2
    assert "not this" not in done.stderr
    assert "driver" not in done.stderr
    if form == "json" and not force:
        assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == [
            *("but this", "ours 0"),
            *("but this", "ours 1"),
        ]
