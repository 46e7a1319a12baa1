"""Objectives by value arrive complete, and run only with a signature for their destination."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
from _thread import LockType
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from hpsearch.errors import ConfigurationError, LoadError, MissingExtraError
from hpsearch.objective.by_value.envelope import MARK, MAX_ENVELOPE_BYTES, Destination, pack, verify
from hpsearch.objective.by_value.pickling import MAX_BYTES
from hpsearch.objective.loading import Objective

SECRET = b"0123456789abcdef"
HERE = Destination(database="db", exp_key="e", nonce="n")


class Opened:
    """Counts how often it is unpickled."""

    n_times = 0

    def __reduce__(self) -> Any:
        return (count_opening, ())


def count_opening() -> Opened:
    Opened.n_times += 1
    return Opened()


def unpack(blob: bytes, destination: Destination, secret: bytes | None) -> Objective:
    return verify(blob, destination, secret).unpickle()


def forged(
    exp_key: str = "e", secret: bytes = SECRET, pickled: bytes | None = None, **header: object
) -> bytes:
    """Return an envelope as an attacker who knows the layout would make it."""
    fields = {
        "format": 2,
        "database": "db",
        "exp_key": exp_key,
        "nonce": "n",
        "name": "f",
        "python": ".".join(map(str, sys.version_info[:2])),
    }
    text = json.dumps({**fields, "cloudpickle": cloudpickle.__version__, **header}).encode()
    content = cloudpickle.dumps(len) if pickled is None else pickled
    body = len(text).to_bytes(4, "big") + text + content
    return MARK + hmac.new(secret, MARK + body, hashlib.sha256).digest() + body


def test_a_closure_arrives_with_everything_that_it_refers_to() -> None:
    factor, table = 3, {"a": np.arange(3)}

    def objective(config: dict[str, int], *, offset: Any = 1.5) -> Any:
        return factor * config["x"] + table["a"].sum() + offset

    assert unpack(pack(objective, HERE, SECRET), HERE, SECRET)({"x": 2}) == 10.5


@pytest.mark.parametrize("objective", [lambda c: c + 1, partial(pow, 2), [1].__getitem__])
def test_any_callable_can_be_sent(objective: Any) -> None:
    assert unpack(pack(objective, HERE, SECRET), HERE, SECRET)(0) == objective(0)


def test_a_function_of_a_script_runs_without_the_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom hpsearch.objective.by_value.envelope import Destination, pack\nFACTOR = 7\n"
        "HERE = Destination(database='db', exp_key='e', nonce='n')\n"
        "class Model:\n    def loss(self, x): return FACTOR * x\n"
        "def helper(x): return Model().loss(x)\n"
        "def objective(config): return helper(config)\n"
        "sys.stdout.buffer.write(pack(objective, HERE, b'0123456789abcdef'))\n"
    )
    blob = subprocess.run([sys.executable, script], capture_output=True, check=True).stdout

    assert unpack(blob, HERE, SECRET)(6) == 42


@pytest.mark.parametrize(
    ("blob", "secret", "problem"),
    [
        (forged(), None, "no secret to check its signature with; set HPSEARCH_SECRET_FILE or"),
        (cloudpickle.dumps(Opened()), SECRET, "is not signed"),
        (b"", SECRET, "is not signed"),
        (MARK, SECRET, "wrong signature"),
        (MARK + bytes(32) + forged()[51:], SECRET, "wrong signature"),
        (forged(secret=b"another secret!!"), SECRET, "wrong signature"),
        (forged()[:-1], SECRET, "wrong signature"),
        (forged() + b"x", SECRET, "wrong signature"),
        (forged(exp_key="other"), SECRET, "signed for another experiment; start its script again"),
        (forged(database="other"), SECRET, "signed for another database; start"),
        (forged(nonce="other"), SECRET, "signed for another search of this name; start its script again"),
        (forged(nonce=None), SECRET, "signed for another search of this name"),
        (forged(format=1), SECRET, "sent by an older hpsearch; use one version everywhere"),
        (forged(python="2.7"), SECRET, r"by Python 2\.7, and this worker runs 3"),
        (forged(format=3), SECRET, "newer hpsearch"),
        (forged(cloudpickle="99.1"), SECRET, r"cloudpickle 99\.1, and this worker has"),
        (forged(pickled=cloudpickle.dumps(7)), SECRET, "is a int, not a function"),
        (forged(pickled=b"cnowhere_installed.part\nf\n."), SECRET, "needs the module 'nowhere_installed'"),
        (forged(pickled=b"cmath\nnothing\n."), SECRET, "cannot be unpickled on this worker: AttributeError"),
        (forged(pickled=b"garbage"), SECRET, "cannot be unpickled"),
    ],
)  # fmt: skip
def test_an_objective_that_must_not_or_cannot_run_is_refused_with_the_reason(
    blob: Any, secret: Any, problem: str
) -> None:
    with pytest.raises(LoadError, match=problem) as caught:
        unpack(blob, HERE, secret)
    assert "0123456789abcdef" not in str(caught.value)


@pytest.mark.parametrize("part", ["database", "exp_key", "nonce"])
def test_an_objective_of_one_search_runs_in_no_other(part: str) -> None:
    """Neither in another database, nor in a later search of the same name."""
    blob = pack(partial(max, Opened()), HERE, SECRET)
    before = Opened.n_times

    for other in ("other", ""):
        with pytest.raises(LoadError, match="is signed for another"):
            unpack(blob, replace(HERE, **{part: other}), SECRET)
    assert Opened.n_times == before


def test_an_experiment_of_an_older_version_has_no_nonce() -> None:
    without = replace(HERE, nonce=None)
    assert unpack(pack(abs, without, SECRET), without, SECRET)(-1) == 1
    with pytest.raises(LoadError, match="signed for another search"):
        unpack(pack(abs, without, SECRET), HERE, SECRET)


@pytest.mark.parametrize("position", range(0, 400, 7))
def test_a_change_of_any_byte_is_detected_before_anything_runs(position: int) -> None:
    blob = bytearray(pack(partial(max, Opened()), HERE, SECRET))
    blob[position % len(blob)] ^= 1
    before = Opened.n_times

    with pytest.raises(LoadError, match=r"not signed|wrong signature"):
        unpack(bytes(blob), HERE, SECRET)
    assert Opened.n_times == before


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the time of a refusal would show how many bytes of a forged signature are right."""
    compared = []

    def compare(ours: Any, theirs: Any) -> bool:
        compared.append((ours, theirs))
        return real(ours, theirs)

    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compare)
    blob = forged()
    verify(blob, HERE, SECRET)
    with pytest.raises(LoadError):
        verify(blob[:-1], HERE, SECRET)

    assert [len(tag) for pair in compared for tag in pair] == [32] * 4
    assert blob[len(MARK) :][:32] in compared[0]


def test_verifying_runs_nothing_and_shows_no_content() -> None:
    blob = pack(partial(max, Opened()), HERE, SECRET)
    before = Opened.n_times

    signed = verify(blob, HERE, SECRET)

    assert Opened.n_times == before
    assert (signed.exp_key, signed.name) == ("e", "max")
    assert "pickled" not in repr(signed)
    signed.unpickle()
    assert Opened.n_times == before + 1


def test_the_error_without_cloudpickle_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = verify(pack(len, HERE, SECRET), HERE, SECRET)
    monkeypatch.setitem(sys.modules, "cloudpickle", None)

    with pytest.raises(LoadError, match=r"install hpsearch\[pickle\] on this worker"):
        signed.unpickle()
    with pytest.raises(MissingExtraError, match=r"install hpsearch\[pickle\]"):
        pack(len, HERE, SECRET)


@pytest.mark.parametrize("secret", [b"", b"15 bytes long.."])
def test_a_secret_that_could_be_guessed_is_refused(secret: bytes) -> None:
    for use in (lambda: pack(len, HERE, secret), lambda: unpack(forged(), HERE, secret)):
        with pytest.raises(ConfigurationError, match=f"has {len(secret)} bytes, fewer than 16"):
            use()


class Weights:
    """Takes much space in a pickle, and none in memory."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (bytes(self.n_bytes),)


TABLE = Weights(3 * 2**20)


def test_an_oversized_objective_is_refused_with_the_sizes_of_what_it_captures() -> None:
    weights, small = Weights(MAX_BYTES), Weights(2**20)

    def objective(config: Any, table: Weights = TABLE) -> Any:
        return weights, small, table, os

    with pytest.raises(
        LoadError,
        match=r"more than 64 MB .* largest .*: weights \(64\.0 MB\), table \(3\.0 MB\), small \(1\.0 MB\)",
    ):
        pack(objective, HERE, SECRET)
    with pytest.raises(LoadError, match=r"argument 0 \(64\.0 MB\)"):
        pack(partial(objective, weights), HERE, SECRET)


def test_workers_fetch_the_largest_objective_that_can_be_sent() -> None:
    weights = Weights(MAX_BYTES - 2**12)

    def objective(config: Any) -> Weights:
        return weights

    assert (
        MAX_BYTES
        < len(pack(objective, replace(HERE, exp_key="e" * 1000), SECRET)) + 2**12
        <= MAX_ENVELOPE_BYTES
    )


def test_a_value_that_cannot_be_pickled_is_named() -> None:
    lock, fine = threading.Lock(), 1

    def objective(config: Any) -> tuple[LockType, int]:
        return lock, fine

    with pytest.raises(
        LoadError, match=r"cannot be sent by value \(captured: lock\): .*create such values inside"
    ):
        pack(objective, HERE, SECRET)
