"""``hpsearch mirror`` on a search in MongoDB."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call
from tests.support.extras import needs


@needs("tensorboardX", "tensorboard")
def test_a_search_is_written_for_tensorboard_once(call: Call, filled: MongoStore, tmp_path: Path) -> None:
    for words in ("4 trials copied", "0 trials copied"):
        done = call("mirror", "tensorboard", "search", str(tmp_path), "--once")
        assert (done.code, words in done.err) == (0, True), done.err
    names = sorted(path.name for path in (tmp_path / "search").iterdir())
    assert names == [f"trial-{tid:06d}" for tid in (1, 2, 3, 4)]


@pytest.mark.skipif(find_spec("mlflow") is not None, reason="mlflow is installed")
def test_a_missing_package_is_named_with_its_extra(call: Call, filled: MongoStore) -> None:
    done = call("mirror", "mlflow", "search")
    assert done.code == 78
    assert "hpsearch mirror mlflow needs an optional package: install hpsearch[mlflow]." in done.err


def test_a_search_that_does_not_exist_is_named(call: Call, filled: MongoStore, tmp_path: Path) -> None:
    done = call("mirror", "tensorboard", "serach", str(tmp_path))
    assert (done.code, "Did you mean" in done.err) == (4, True), done.err
