"""Hyperopt's flags as arguments of ``hpsearch worker``."""

from __future__ import annotations

import math
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.cli.mongo_worker import Flags, mongo_worker, worker_arguments, worker_command
from hpsearch.cli.worker import worker


def arguments(**flags: object) -> dict[str, str]:
    """Return the options of ``hpsearch worker`` with their values."""
    words = worker_arguments(Flags(**flags))  # type: ignore[arg-type]
    switches = [word for word in words if word == "--no-isolate"]
    words = [word for word in words if word not in switches]
    return {**dict(zip(words[::2], words[1::2], strict=True)), **dict.fromkeys(switches, "")}


def test_without_flags_the_worker_leaves_when_hyperopts_worker_does() -> None:
    """Hyperopt's worker waits 120 s for a job, four times in a row."""
    assert arguments() == {"--max-idle": "480s", "--max-consecutive-failures": "4"}


def test_every_flag_has_an_option_of_the_same_meaning() -> None:
    assert arguments(
        exp_key="e 1",
        last_job_timeout=90.5,
        max_consecutive_failures=2,
        max_jobs=7,
        reserve_timeout=10.0,
        workdir="/scratch/w",
        use_subprocesses=False,
    ) == {
        "--exp-key": "e 1",
        "--claim-for": "90.500s",
        "--max-consecutive-failures": "2",
        "--max-trials": "7",
        "--max-idle": "10s",
        "--workdir": "/scratch/w",
        "--no-isolate": "",
    }


@pytest.mark.parametrize("flags", [{"max_jobs": 1}, {"use_subprocesses": False}])
def test_a_worker_without_subprocesses_waits_once(flags: dict[str, Any]) -> None:
    assert arguments(reserve_timeout=30.0, **flags)["--max-idle"] == "30s"


@pytest.mark.parametrize("reserve_timeout", [0.0, math.inf, 1e8])
def test_an_unlimited_wait_has_no_option(reserve_timeout: float) -> None:
    assert "--max-idle" not in arguments(reserve_timeout=reserve_timeout)


LIMITS = st.one_of(st.floats(0, 1e9), st.just(math.inf))
COUNTS = st.one_of(st.integers(1, 10**10).map(float), st.just(math.inf))


@given(
    flags=st.builds(
        Flags,
        exp_key=st.none() | st.text(),
        last_job_timeout=LIMITS,
        max_consecutive_failures=COUNTS,
        max_jobs=COUNTS,
        reserve_timeout=LIMITS,
        workdir=st.none() | st.just("w"),
        use_subprocesses=st.booleans(),
    )
)
def test_the_worker_accepts_the_arguments_of_any_flags(flags: Flags) -> None:
    context = worker.make_context("worker", ["--store", "mongodb://h/db", *worker_arguments(flags)])
    assert context.params["exp_keys"] == (() if flags.exp_key is None else (flags.exp_key,))


def test_the_command_is_quoted_for_a_shell_and_contains_no_secret() -> None:
    uri = "mongodb://ann:s3cret@a:1,b:2/db?authSource=x&tlsCertificateKeyFilePassword=s3cret"
    command = worker_command(uri, ["--exp-key", "my search"])
    assert command == (
        "HPSEARCH_STORE='mongodb://ann:***@a:1,b:2/db?authSource=x&tlsCertificateKeyFilePassword=***' "
        "hpsearch worker --exp-key 'my search'"
    )


def test_the_command_for_a_uri_without_an_at_sign_contains_no_password() -> None:
    assert "s3cret" not in worker_command("mongodb://ann:s3cret.host:1/db", [])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--max-jobs", "0"], "'0' is not a whole number of at least 1, or inf"),
        (["--max-jobs", "2.5"], "'2.5' is not a whole number"),
        (["--max-jobs", "many"], "'many' is not a whole number"),
        (["--reserve-timeout", "-1"], "'-1' is not a number of at least 0"),
        (["--reserve-timeout", "nan"], "'nan' is not a number"),
        (["--mongo", "localhost"], "localhost is not an address of a database"),
        (["--mongo", "mongo+ssh://h/db/jobs"], "open the tunnel yourself"),
        (["--max-jobs-in-db", "5"], "pass max_evals to fmin"),
        (["stray"], "unexpected extra argument"),
    ],
)
def test_an_invalid_value_is_a_usage_error(words: list[str], sentence: str) -> None:
    with pytest.raises(click.UsageError, match=sentence):
        mongo_worker.main(words, standalone_mode=False)


def test_sys_maxsize_is_no_limit() -> None:
    """Scripts pass ``sys.maxsize`` for no limit."""
    context = mongo_worker.make_context("w", ["--max-jobs", "9223372036854775807", "--max-jobs-in-db", "inf"])
    assert context.params["max_jobs"] == context.params["max_jobs_in_db"] == math.inf
