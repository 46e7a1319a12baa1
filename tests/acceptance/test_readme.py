"""The queries for the Mongo shell, and the script for MongoTrials, do what the pages say."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.trial import State
from tests.support.fleet import SHORT_LEASE, Fleet, running_trials
from tests.support.servers import Server
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MANUAL = sorted((ROOT / "docs").glob("*.md"))


def blocks(language: str, *pages: Path) -> list[str]:
    """Return the code blocks of pages in one language."""
    texts = [page.read_text() for page in pages]
    return [
        block
        for text in texts
        for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    ]


def scripts(name: str) -> set[str]:
    """Return the Python blocks that begin with the name of a file."""
    return {block for block in blocks("python", README, *MANUAL) if block.startswith(f"# {name}\n")}


def script(name: str) -> str:
    """Return the Python block that begins with the name of a file; every page shows the same."""
    [source] = scripts(name)
    return source


def mongosh_queries(page: Path) -> list[str]:
    """Return the queries of a page, each a comment and a statement."""
    parts = [part for block in blocks("js", page) for part in block.strip().split("\n\n")]
    return [part.split("\n", 1)[1].strip() for part in parts]


def test_the_queries_of_the_readme_are_among_those_of_the_manual() -> None:
    assert set(mongosh_queries(README)) < set(mongosh_queries(ROOT / "docs" / "mongo-shell.md"))


def test_the_queries_of_the_readme_print_what_they_promise_against_a_live_search(
    fleet: Fleet, mongosh: Path
) -> None:
    fleet.worker("--name", "victim", SLEEP="600")
    coordinator = fleet.coordinator("--max-evals", "8", *SHORT_LEASE)
    wait_until(lambda: bool(running_trials(fleet.trials())), "a trial that the victim holds")
    os.killpg(fleet.processes[0].pid, 9)
    fleet.worker("--name", "busy", "--max-trials", "1", SLEEP="600")
    wait_until(
        lambda: any(t.worker and t.worker.name == "busy" for t in running_trials(fleet.trials())),
        "a trial in the hands of the busy one, before others have done all",
    )
    fleet.worker("--name", "steady")
    wait_until(
        lambda: (
            sum(t.state is State.DONE for t in fleet.trials()) >= 6
            and any(t.attempt == 2 for t in fleet.trials())
        ),
        "a search in full swing",
    )
    answers = asked(mongosh, fleet.uri, mongosh_queries(ROOT / "docs" / "mongo-shell.md"))
    view, table, searches, by_host, long, workers = answers[:6]
    best, front, infeasible, states, who, means, why, again, stopped, resumed, room, attached = answers[6:]
    assert re.findall(r"^    loss: ([\d.e-]+)", view, re.MULTILINE) == re.findall(r" loss: ([\d.e-]+)", best)
    assert "params: { kind: '" in view
    assert "Error" not in table
    assert "search: 'search'" in searches
    assert (by_host.strip(), long.strip()) == ("", "")
    assert re.search(r"worker: 'busy',\s+running: \[ 'search/\d{6}' \]", workers)
    losses = [float(text) for text in re.findall(r"loss: ([\d.e-]+)", best)]
    assert len(losses) == 5
    assert losses == sorted(losses)
    assert best.count("params: { kind: '") == 5
    assert (front.strip(), infeasible.strip()) == ("[]", ""), "one objective, no limits"
    assert re.search(r"_id: 'done', count: \d+", states)
    assert "worker: 'busy'" in who
    assert "seconds: Long" in who
    assert re.search(r"_id: 'steady',\s+n: \d+,\s+mean_s: 0\.\d+", means)
    assert why.strip() == ""
    assert "why: 'lease expired'" in again
    assert (stopped.strip(), resumed.strip()) == ("", "")
    assert re.search(r"n: \d,\s+bytes: \d{4,5},\s+largest: \d{3,4}", room)
    assert attached.strip() == ""
    assert coordinator.poll() is None


def asked(mongosh: Path, uri: str, queries: list[str]) -> list[str]:
    """Return what a person would see in the Mongo shell after each query."""
    line = "-- the next query --"
    program = f";print('{line}');".join(f"print({query})" for query in queries)
    done = subprocess.run(
        [mongosh, "--quiet", uri, "--eval", program],
        capture_output=True,
        text=True,
        timeout=200,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(line)


@pytest.fixture
def localhost(tmp_path: Path) -> Iterator[Server]:
    """A server as a user starts one: without users."""
    server = Server(tmp_path / "db", "--replSet", "rs0")
    server.start()
    yield server
    server.kill()


def test_the_script_with_mongo_trials_prints_what_the_readme_shows(localhost: Server, tmp_path: Path) -> None:
    """Genuine Hyperopt fails at once; here the same script, with a worker, ends with the best point."""
    [console] = blocks("console", *MANUAL)
    theirs, expected_error, ours, expected = console.splitlines()
    place = f"localhost:{localhost.port}"
    short = script("tune.py").replace("localhost:27017", place).replace("max_evals=50", "max_evals=10")
    (tmp_path / "tune.py").write_text(short)
    environment = {**os.environ, "HPSEARCH_SECRET": secrets.token_hex(32)}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, *command.removeprefix("$ python ").split()]
        return subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
        )

    failed = run(theirs)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == expected_error
    [line] = [
        line for block in blocks("bash", *MANUAL) for line in block.splitlines() if "-mongo-worker" in line
    ]
    program, *flags = line.removesuffix(" &").replace("localhost:27017", place).split()
    worker = subprocess.Popen(
        [Path(sys.executable).with_name(program), *flags],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        done = run(ours)
    finally:
        worker.terminate()
        worker.wait()
    assert done.returncode == 0, done.stderr
    number = re.compile(r"\d+\.\d+(e-\d+)?")
    assert number.sub("N", done.stdout.splitlines()[-1]) == number.sub("N", expected)
