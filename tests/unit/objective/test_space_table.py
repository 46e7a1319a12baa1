"""Search spaces in TOML and JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from hpsearch import hp, where
from hpsearch.errors import LoadError, SpaceError
from hpsearch.objective.space_table import read_space, space_of
from hpsearch.space.tree import Space

TABLE = """
where = ["optimizer != 'sgd' or momentum > 0"]

[space]
epochs = 10
momentum = { dist = "uniform", low = 0, high = 1 }

[space.lr]
dist = "loguniform"
low = 1e-5
high = 1e-1

[space.optimizer]
choice = ["adam", "sgd"]
p = [0.25, 0.75]

[[space.model.choice]]
name = "mlp"
units = { dist = "quniform", low = 16, high = 256, q = 16 }

[[space.model.choice]]
name = "linear"
penalty = { dist = "lognormal", mu = 0, sigma = 1, label = "linear.penalty" }
"""

SAME = {
    "epochs": 10,
    "momentum": hp.uniform("momentum", 0, 1),
    "lr": hp.loguniform("lr", math.log(1e-5), math.log(1e-1)),
    "optimizer": hp.pchoice("optimizer", [(0.25, "adam"), (0.75, "sgd")]),
    "model": hp.choice(
        "model",
        [
            {"name": "mlp", "units": hp.quniform("units", 16, 256, 16)},
            {"name": "linear", "penalty": hp.lognormal("linear.penalty", 0, 1)},
        ],
    ),
}


def test_a_table_is_the_same_space_as_in_python(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(TABLE)
    expected = Space(where(SAME, "optimizer != 'sgd' or momentum > 0"))
    assert Space(read_space(str(file))).fingerprint == expected.fingerprint


def test_json_has_the_same_form(tmp_path: Path) -> None:
    file = tmp_path / "space.json"
    file.write_text(
        json.dumps({"space": {"x": {"dist": "uniform", "low": 0, "high": 1}, "names": ["a", "b"]}})
    )
    expected = Space({"x": hp.uniform("x", 0, 1), "names": ["a", "b"]})
    assert Space(read_space(str(file))).fingerprint == expected.fingerprint


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"dist": "uniform", "low": 2, "high": 1}, "space.lr: .*low"),
        ({"dist": "loguniform", "low": 0, "high": 1}, "space.lr: low must be above 0 for a logarithm"),
        ({"dist": "unifrom", "low": 0, "high": 1}, "space.lr: there is no distribution 'unifrom'.*uniform"),
        ({"dist": "uniform", "low": 0}, "space.lr lacks high"),
        ({"dist": "uniform", "low": 0, "high": "1"}, "space.lr: high is '1', not a number"),
        ({"dist": "uniform", "low": 0, "high": 1, "hihg": 2}, "space.lr has no argument 'hihg'.*high"),
        ({"choice": []}, "space.lr: choice must be a list of options"),
        ({"choice": ["a", "b"], "p": [1]}, "space.lr: p must be a list with a probability for each of the 2"),
        ({"choice": [{"dist": "uniform", "low": 0, "high": 1}]}, r"space.lr.choice\[0\] has no name"),
    ],
)
def test_an_error_names_the_table(table: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        space_of({"space": {"lr": table}})


@pytest.mark.parametrize("document", [{}, {"space": 3}, [], {"space": {}, "lr": {}}])
def test_a_document_without_a_space_is_refused(document: Any) -> None:
    with pytest.raises(SpaceError, match="The file has"):
        space_of(document)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    for text in (None, "lr = "):
        if text is not None:
            file.write_text(text)
        with pytest.raises(LoadError, match=r"space.toml cannot be read"):
            read_space(str(file))


def test_options_may_share_a_parameter() -> None:
    shared = {"dist": "uniform", "low": 0, "high": 1}
    options = [{"name": "a", "x": shared}, {"name": "b", "x": dict(shared)}, {"name": "c"}]
    x = hp.uniform("x", 0, 1)
    expected = hp.choice("m", [{"name": "a", "x": x}, {"name": "b", "x": x}, {"name": "c"}])
    found = space_of({"space": {"m": {"choice": options}}})
    assert Space(found).fingerprint == Space({"m": expected}).fingerprint
    options[1]["x"]["high"] = 2
    with pytest.raises(SpaceError, match="'x'"):
        Space(space_of({"space": {"m": {"choice": options}}}))


def test_a_grid_may_be_of_integers() -> None:
    table = {"dist": "quniform", "low": 16, "high": 64, "q": 16, "int": True}
    space = Space(space_of({"space": {"units": table}}))
    assert space.config({"units": 32.0}) == {"units": 32}
    assert type(space.config({"units": 32.0})["units"]) is int
    with pytest.raises(SpaceError, match=r"space.units: int is 1, not true or false"):
        space_of({"space": {"units": {**table, "int": 1}}})
