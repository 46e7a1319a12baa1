"""A space as text: one line for each parameter and option, then its samples."""

from __future__ import annotations

import math
from typing import Any

from hpsearch import hp
from hpsearch.report.space_text import describe_space, space_tree
from hpsearch.space.tree import Space


def classifier() -> Space:
    lr = hp.loguniform("lr", math.log(1e-5), math.log(0.1))
    svm = {"kind": "svm", "C": hp.lognormal("C", 0, 1)}
    net = {"kind": "net", "lr": lr, "width": 2 ** hp.quniform("log_width", 4, 9, 1)}
    return Space({"clf": hp.pchoice("clf", [(0.25, svm), (0.75, net)]), "lr": lr, "n": hp.randint("n", 1, 4)})


def test_the_tree_shows_options_distributions_and_real_ranges() -> None:
    """A parameter in two places is described once."""
    assert space_tree(classifier()).splitlines() == [
        "clf            pchoice     2 options",
        "  svm: {kind: 'svm', ...}  (0.25)",
        "    C          lognormal   median 1, times or divided by 2.71828",
        "  net: {kind: 'net', width: (2 ** log_width), ...}  (0.75)",
        "    lr         loguniform  1e-05 .. 0.1",
        "    log_width  quniform    4 .. 9, step 1",
        "lr             (as above)",
        "n              randint     1 .. 3",
    ]


def test_each_sample_has_a_line() -> None:
    samples = [{"clf": 0, "C": 1.23456, "lr": 1e-5, "n": 1}, {"clf": 1, "log_width": 5.0, "lr": 0.05, "n": 2}]
    text = describe_space(classifier(), samples)
    assert text.splitlines()[-5:] == [
        "5 parameters, infinitely many points",
        "",
        "2 samples",
        "  1  clf=svm, C=1.235, lr=1e-05, n=1",
        "  2  clf=net, lr=0.05, log_width=5, n=2",
    ]


def test_a_finite_space_shows_its_size() -> None:
    assert describe_space(Space(hp.randint("n", 2000))).endswith("1 parameter, 2,000 points")


def test_a_space_without_parameters_shows_its_only_point() -> None:
    assert describe_space(Space({"a": 1})) == "{a: 1}\n\n0 parameters, 1 point"


def test_a_long_option_is_cut() -> None:
    lines = space_tree(Space(hp.choice("c", [list(range(100))]))).splitlines()
    assert lines[1].endswith("...")
    assert len(lines[1]) < 80


def test_shared_nodes_are_described_fast() -> None:
    node: Any = hp.uniform("x", 0, 1)
    for _ in range(60):
        node = node + node
    assert "x  uniform" in space_tree(Space([hp.choice("c", [node])]))
