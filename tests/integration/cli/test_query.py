"""``hpsearch status``, ``best``, ``trials``, ``show`` and ``workers``."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from pymongo import MongoClient

from hpsearch import hp
from hpsearch.core.experiment import Budget, Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.trial import Result, Trial
from hpsearch.core.worker import Worker
from hpsearch.space.tree import Space
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call, Outcome
from tests.support.servers import Server

pytestmark = pytest.mark.usefixtures("filled")

#: Commands that only read.
READING_COMMANDS = [
    ("status",), ("status", "search", "--format", "json"), ("best", "search"), ("best", "--format", "json"),
    ("trials", "search"), ("trials", "search", "--format", "csv"), ("show", "search", "2"),
    ("show", "search", "2", "--format", "json"), ("workers",), ("db", "check"), ("doctor",),
]  # fmt: skip

QUERIES = {
    "status": ("status", "search"),
    "best": ("best", "search", "-n", "2"),
    "trials": ("trials", "search"),
    "show": ("show", "search", "3"),
    "workers": ("workers",),
}


@pytest.mark.parametrize("arguments", READING_COMMANDS, ids=" ".join)
def test_a_query_runs_no_function_that_the_space_names(
    documents: Any,
    call: Call,
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted = tmp_path / "noted"
    (tmp_path / "noted_by_looking.py").write_text(f"open({str(noted)!r}, 'a')\ndef run(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    reference = {"import": "noted_by_looking:run"}
    documents["experiments"].update_one(
        {"_id": "search"},
        {
            "$set": {
                "space.root": {
                    "dict": [["lr", {"parameter": "lr"}], ["ran", {"operation": 0}], [reference, 1]]
                },
                "space.operations": [{"name": "call", "args": [reference]}],
                "space.parameters.1.options": [reference, {"operation": 0}],
            }
        },
    )
    assert call(*arguments).code in {0, 1}
    assert not noted.exists()


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def rows(outcome: Outcome) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(outcome.out)))


@pytest.mark.parametrize("name", QUERIES)
def test_stdout_contains_only_json_with_its_schema(name: str, call: Call) -> None:
    outcome = call(*QUERIES[name], "--format", "json")
    kind = name if name in {"status", "workers"} else "trials"
    document = strict(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert document["schema"] == f"hpsearch.{kind}/1"
    assert document[kind]


def on_terminal(*arguments: str, **environment: str) -> bytes:
    """Return the output of a command on a terminal."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "hpsearch", *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        timeout=200,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 10_000)
    os.close(ours)
    return shown


def test_csv_contains_control_characters_except_on_a_terminal(call: Call, filled: MongoStore) -> None:
    filled.record_worker(Worker(name="\x1b[2Jben", host="machine", pid=1), 60)
    assert "\x1b[2Jben" in {row["name"] for row in rows(call("workers", "--format", "csv"))}
    shown = on_terminal("workers", "--format", "csv")
    assert rb"\x1b[2Jben" in shown
    assert b"\x1b" not in shown


def test_csv_contains_no_formula_unless_raw(call: Call, filled: MongoStore) -> None:
    filled.record_worker(Worker(name="=1+1", host="machine", pid=1), 60)
    for options, name in (((), "'=1+1"), (("--raw",), "=1+1")):
        found = {row["name"]: row["pid"] for row in rows(call("workers", "--format", "csv", *options))}
        assert found[name] == "1"


@pytest.mark.parametrize("name", QUERIES)
def test_raw_csv_differs_only_in_formulas(name: str, call: Call) -> None:
    marked, raw = (call(*QUERIES[name], "--format", "csv", *options) for options in ((), ("--raw",)))
    assert raw.code == 0
    changing = dict.fromkeys(["per_minute", "seen_at"])  # between two calls
    assert [row | changing for row in rows(raw)] == [row | changing for row in rows(marked)]


@pytest.mark.parametrize("name", QUERIES)
def test_json_lines_and_csv_have_as_many_rows_as_json(name: str, call: Call) -> None:
    document = strict(call(*QUERIES[name], "--format", "json").out)
    kind = document["schema"].removeprefix("hpsearch.").removesuffix("/1")
    lines = call(*QUERIES[name], "--format", "jsonl").out.splitlines()
    assert len([strict(line) for line in lines]) == len(document[kind])
    assert len(rows(call(*QUERIES[name], "--format", "csv"))) == len(document[kind])


def test_status_shows_every_count_and_the_best_values(call: Call) -> None:
    [row] = strict(call("status", "search", "--format", "json").out)["status"]
    counts = {state: row[state] for state in ("pending", "running", "done", "failed", "cancelled")}
    assert counts == {"pending": 1, "running": 1, "done": 3, "failed": 1, "cancelled": 1}
    assert (row["best_loss"], row["best_tid"], row["best_params"]) == (0.25, 2, {"lr": 0.2, "kind": "adam"})
    assert (row["max_evals"], row["workers"], row["is_led"]) == (40, 1, False)


def test_status_shows_that_a_search_has_no_coordinator(call: Call) -> None:
    assert "no coordinator" in call("status").out
    assert "no coordinator leads it" in call("status", "search").out


def test_status_of_an_empty_database_prints_the_command_to_begin(
    filled: MongoStore, call: Call, mongo_uri: str
) -> None:
    outcome = call("status", "--store", mongo_uri.replace("/hpsearch?", "/no_such_database?"))
    assert outcome.code == 0
    assert "hpsearch run FILE.py" in outcome.err


def test_status_can_be_watched_until_ctrl_c(uri: str) -> None:
    # This process may have been started with Ctrl-C ignored.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "hpsearch"]
    command += ["status", "--watch", "--every", "10ms"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "HPSEARCH_STORE": uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(4)]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=200)
    assert [line.split()[0] for line in seen] == ["exp_key", "search"] * 2
    assert "Traceback" not in err
    assert process.returncode in {0, 130}  # between two outputs, or during one


def test_watching_survives_an_outage_of_the_database(killable_server: Server) -> None:
    """A restart of MongoDB must not end a command that watches a search for days."""
    command = [sys.executable, "-m", "hpsearch", "status", "--watch", "--every", "10ms", "--format", "csv"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "HPSEARCH_STORE": killable_server.uri},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        until(process.stderr, "There is no search")
        killable_server.kill()
        until(process.stderr, "Still watching.")
        killable_server.start()
        until(process.stderr, "There is no search")
    finally:
        process.kill()
        process.communicate()


def until(lines: IO[str], words: str) -> None:
    assert any(words in line for line in lines), f"the output ended without {words!r}"


def test_best_shows_the_values_of_the_best_trial(call: Call) -> None:
    assert call("best", "search").out == "trial 2  loss 0.25\n  lr    0.2\n  kind  adam\n"


def test_best_without_a_name_shows_the_only_search(call: Call) -> None:
    assert call("best").out == call("best", "search").out


def test_best_lists_n_trials_in_order(call: Call) -> None:
    found = strict(call("best", "search", "-n", "5", "--format", "json").out)["trials"]
    assert [t["loss"] for t in found] == [0.25, 0.5, None]  # JSON has no infinity


@pytest.fixture
def noisy(store: MongoStore) -> None:
    """A search of a parabola, with a repeat, whose lowest loss, of trial 20 far from its bottom, is luck."""
    space = Space({"x": hp.uniform("x", 0, 1)})
    store.open_experiment(
        Experiment(
            exp_key="noisy",
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=ObjectiveRef(kind="file", ref="search.py:objective"),
            budget=Budget(max_evals=22),
        )
    )
    rng = np.random.default_rng(0)
    places = [*(i / 20 for i in range(21)), 0.3]
    values = [{"x": x} for x in places]
    store.insert([Trial(exp_key="noisy", tid=i, values=v, params=v) for i, v in enumerate(values)])
    for tid, x in enumerate(places):
        found = store.claim(Worker(name="anna", host="machine", pid=1), f"token{tid}", ["noisy"])
        assert found is not None
        loss = (x - 0.3) ** 2 + 0.02 * rng.normal() - 0.7 * (tid == 20)
        store.finish(found, Result(loss=loss, duration_s=1.0))


@pytest.mark.usefixtures("noisy")
def test_best_shows_which_trial_is_most_likely_best_where_losses_are_noisy(call: Call) -> None:
    page = call("best", "noisy").out
    assert page.startswith("trial 20  loss -0.2")
    assert "most likely best" in page
    listed = strict(call("best", "noisy", "-n", "3", "--believed", "--json").out)["trials"]
    assert max(abs(trial["params"]["x"] - 0.3) for trial in listed) < 0.15
    assert page.split("believed ")[-1].startswith(f"{listed[0]['believed_loss']:.4g}"[:4])
    assert "believed_loss" in call("best", "noisy", "-n", "3").out
    assert call("best", "search", "--believed").out == call("best", "search").out
    assert "not known to be noisy" in call("best", "search", "--believed").err


def test_trials_can_be_sorted_and_filtered_by_state(call: Call) -> None:
    by_loss = rows(call("trials", "search", "--sort", "loss", "--format", "csv"))
    assert [row["tid"] for row in by_loss] == ["2", "1", "4"]
    some = rows(call("trials", "search", "--state", "failed", "--state", "pending", "--format", "csv"))
    assert [(row["tid"], row["state"]) for row in some] == [("3", "failed"), ("6", "pending")]
    assert len(rows(call("trials", "search", "-n", "2", "--format", "csv"))) == 2


def test_trials_have_a_column_for_each_parameter_in_csv(call: Call) -> None:
    row = rows(call("trials", "search", "--format", "csv"))[3]
    assert (row["lr"], row["kind"], row["worker"]) == ("0.3", "sgd", "anna")
    assert row["error"] == "ValueError: no luck"


def test_trials_in_json_have_the_fields_of_the_documents(call: Call) -> None:
    trial = strict(call("show", "search", "3", "--format", "json").out)["trials"][0]
    assert trial["error"]["kind"] == "exception"
    assert trial["worker"] == {"name": "anna", "host": "machine", "pid": 4711}
    assert trial["params"] == {"lr": 0.3, "kind": "sgd"}


def test_a_result_that_is_not_a_number_is_null_in_json(call: Call) -> None:
    trial = strict(call("show", "search", "1", "--format", "json").out)["trials"][0]
    assert trial["result"] == {"loss": 0.5, "accuracy": None}


def test_show_prints_the_traceback_of_a_failed_trial(call: Call) -> None:
    page = call("show", "search", "3").out
    assert "state         failed\nerror         ValueError: no luck\n" in page
    assert page.endswith("Traceback\n  no luck\n")


def test_show_names_the_attachments_of_a_trial(call: Call, store: MongoStore) -> None:
    for name in ("model.bin", "log"):
        store.attach("search", name, b"x", tid=2)

    assert "attachments   log, model.bin\n" in call("show", "search", "2").out + "\n"
    trial = strict(call("show", "search", "2", "--format", "json").out)["trials"][0]
    assert trial["attachments"] == ["log", "model.bin"]
    assert "attachments" not in call("show", "search", "1").out


def test_show_finds_the_best_trial(call: Call) -> None:
    assert call("show", "search", "best").out == call("show", "search", "2").out
    assert "loss          0.25" in call("show", "search", "best").out


def test_show_best_of_a_search_without_a_loss_is_not_found(filled: MongoStore, call: Call) -> None:
    copied(filled, 1)
    assert call("show", "copy-0000", "best") == Outcome(
        4, "", "hpsearch: No trial of copy-0000 has a loss yet.\n"
    )


def test_columns_are_chosen_by_name(call: Call) -> None:
    outcome = call("trials", "search", "--columns", "trial,kind,accuracy", "--state", "done", "-n", "2")
    assert outcome.out == "trial  kind  accuracy\n1      sgd   nan\n2      adam  -\n"
    outcome = call("best", "search", "--columns", "loss,lr", "--format", "csv")
    assert outcome.out == "loss,lr\n0.25,0.2\n"


def test_an_unknown_column_is_refused_with_a_similar_one(call: Call) -> None:
    outcome = call("trials", "search", "--columns", "trial,accurcy")
    assert (outcome.code, outcome.out) == (2, "")
    assert "There is no column 'accurcy'. Did you mean 'accuracy'?" in outcome.err
    assert "There are: accuracy, active, attempt," in call("trials", "search", "--columns", "q").err


def test_a_wide_table_has_a_column_for_each_parameter_and_metric(call: Call) -> None:
    head = call("trials", "search", "--wide").out.splitlines()[0].split()
    assert head[-3:] == ["kind", "lr", "accuracy"]


@pytest.mark.parametrize("name", ["status", "trials"])
def test_json_is_short_for_the_format(name: str, call: Call) -> None:
    assert strict(call(*QUERIES[name], "--json").out)["schema"] == f"hpsearch.{name}/1"
    assert call(*QUERIES[name], "--json", "--format", "csv").code == 2


def test_workers_are_listed_with_what_they_evaluate(call: Call) -> None:
    [row] = rows(call("workers", "--format", "csv"))
    assert (row["name"], row["pid"], row["exp_keys"], row["state"]) == ("anna", "4711", "search", "idle")
    assert row["evaluates"] == "search/5"
    assert re.search(r"search/5 for \d+ s$", call("workers").out.splitlines()[1])


def test_workers_of_a_search_are_those_that_serve_it(filled: MongoStore, call: Call) -> None:
    copied(filled, 1)
    filled.record_worker(Worker(name="all", host="machine", pid=1), 60)
    found = rows(call("workers", "--exp-key", "copy-0000", "--format", "csv"))
    assert [row["name"] for row in found] == ["all"]
    assert call("workers", "--exp-key", "none").code == 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("status", "serch"), "There is no experiment 'serch' in this database. Did you mean 'search'?"),
        (("best", "zzz"), "There is no experiment 'zzz' in this database. There are: search."),
        (("trials", "zzz"), "There is no experiment 'zzz' in this database. There are: search."),
        (("show", "search", "99"), "There is no trial search/000099."),
        (("pause", "serch"), "There is no experiment 'serch' in this database. Did you mean 'search'?"),
    ],
)
def test_an_unknown_name_is_reported_with_a_similar_one(
    arguments: tuple[str, ...], sentence: str, call: Call
) -> None:
    assert call(*arguments) == Outcome(4, "", f"hpsearch: {sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("statu",), "No such command 'statu'. Did you mean 'status'? See: hpsearch --help"),
        (("trials", "--state", "don"), "'don' is not one of 'pending'"),
        (("show", "search", "x"), "'x' is not a valid"),
        (("show", "search"), "Missing argument 'best|TID'"),
        (("best", "-n", "0"), "0 is not in the range x>=1"),
        (("status", "--watch", "--every", "5x"), "'5x' is not a duration"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: tuple[str, ...], words: str, call: Call) -> None:
    outcome = call(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("hpsearch: ")
    assert outcome.err.count("\n") == 1
    assert words in outcome.err


def copied(store: MongoStore, n: int, **fields: Any) -> list[str]:
    """Add copies of the search."""
    present = store.experiment("search")
    keys = [f"copy-{i:04d}" for i in range(n)]
    for key in keys:
        store.open_experiment(replace(present, exp_key=key, **fields))
    return keys


def test_status_lists_active_searches_and_counts_those_left_out(filled: MongoStore, call: Call) -> None:
    keys = copied(filled, 15, state=ExperimentState.DONE)
    outcome = call("status", "--format", "json")
    rows_shown = [row["exp_key"] for row in strict(outcome.out)["status"]]
    assert rows_shown == ["search"]
    assert "15 more searches have ended; --all lists them, too." in outcome.err

    every = call("status", "--all", "--format", "json")
    assert [row["exp_key"] for row in strict(every.out)["status"]] == ["search", *keys[::-1]]
    assert every.err == ""


def test_status_sends_as_many_queries_for_many_searches_as_for_one(
    filled: MongoStore, call: Call, uri: str
) -> None:
    def n_commands() -> int:
        with MongoClient[dict[str, Any]](uri) as client:
            database = client.get_default_database()
            database.command("profile", 2)
            assert call("status", "--all").code == 0
            database.command("profile", 0)
            n = database["system.profile"].count_documents({"ns": {"$not": {"$regex": "profile"}}})
            database.drop_collection("system.profile")
        return n

    one = n_commands()
    copied(filled, 60)
    assert n_commands() == one


def test_names_are_shortened_only_on_a_terminal(filled: MongoStore, call: Call) -> None:
    present, key = filled.experiment("search"), "a" * 45 + "b" * 45
    filled.open_experiment(replace(present, exp_key=key))
    assert key in call("status").out
    assert key in call("status", "--format", "csv").out

    shown = on_terminal("status", COLUMNS="80").decode()
    assert max(map(len, shown.splitlines())) <= 80
    assert re.search(r"^a+…b+ ", shown, flags=re.MULTILINE)
    assert key in on_terminal("status", "--format", "csv", COLUMNS="80").decode()


@pytest.mark.parametrize("command", [("best", "nowhere at all"), ("best",)])
def test_messages_name_at_most_ten_searches(command: tuple[str, ...], filled: MongoStore, call: Call) -> None:
    keys = copied(filled, 40)
    said = call(*command).err
    assert len(said) < 400
    assert f"{keys[-1]} and 31 older ones" in said


def test_with_several_searches_a_name_is_required(filled: MongoStore, call: Call) -> None:
    present = filled.experiment("search")
    filled.open_experiment(replace(present, exp_key="other"))
    outcome = call("best")
    assert outcome.code == 2
    assert "Name one of the experiments: search, other." in outcome.err


def test_a_closed_pipe_is_no_error(uri: str) -> None:
    done = subprocess.run(
        f"{sys.executable} -m hpsearch trials search --format json | head -n 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        env={**os.environ, "HPSEARCH_STORE": uri},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


def test_the_error_of_a_refused_password_does_not_contain_it(call: Call, uri: str) -> None:
    wrong = uri.replace("mongodb://hpsearch:", "mongodb://hpsearch:s3cret")
    outcome = call("status", "--store", wrong)
    assert outcome.code == 77
    assert "refuses this user" in outcome.err
    assert "s3cret" not in outcome.err
    assert "Traceback" not in outcome.err


def test_an_invalid_uri_is_refused_with_an_example(call: Call) -> None:
    outcome = call("status", "--store", "localhost")
    assert outcome.code == 78
    assert "mongodb://localhost:27017/hpsearch" in outcome.err


def test_a_traceback_is_shown_only_with_debug(call: Call) -> None:
    assert "Traceback" not in call("show", "search", "99").err
    assert "Traceback" in call("show", "search", "99", "--debug").err


def test_trials_are_selected_by_a_condition(call: Call, filled: MongoStore, tmp_path: Path) -> None:
    shown = call("trials", "--where", "lr <= .4 and kind == 'adam'", "--columns", "tid", "--format", "csv")
    assert shown.out.split() == ["tid", "0", "2", "4"]
    assert json.loads(call("best", "--where", "loss > .3", "--json").out)["trials"][0]["tid"] == 1
    written = call("export", "search", "--where", "error is not None", "--output", str(tmp_path / "x.csv"))
    assert written.err.endswith(": 1 trial\n")
    assert call("best", "--where", "loss < 0").code == 4
    for wrong, reason in (("lrr < 1", "Did you mean 'lr'?"), ("open('x')", "must not contain")):
        refused = call("trials", "--where", wrong)
        assert (refused.code, reason in refused.err) == (2, True)
