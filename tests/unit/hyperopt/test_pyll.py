"""Graphs: structure, traversal, evaluation, and ``scope``."""

import copy
import functools
import io
import pickle
from typing import Any

import numpy as np
import pytest

from hpsearch import hp as plain_hp
from hpsearch.errors import HpsearchWarning, SpaceError
from hpsearch.hyperopt import hp, space_eval
from hpsearch.hyperopt.base import Ctrl, Domain
from hpsearch.hyperopt.exceptions import BadSearchSpace
from hpsearch.hyperopt.pyll import Apply, Literal, as_apply, clone, dfs, rec_eval, scope, stochastic, toposort
from hpsearch.hyperopt.pyll.base import MissingArgument, PyllImportError
from hpsearch.hyperopt.utils import use_obj_for_literal_in_memo
from hpsearch.space.tree import Space
from hpsearch.space.trust import TRUSTED


def as_tuples(node: Apply) -> Any:
    """Return a graph as nested tuples of names and literals."""
    if isinstance(node, Literal):
        return node.obj
    return (
        node.name,
        *map(as_tuples, node.pos_args),
        *((k, as_tuples(child)) for k, child in node.named_args),
    )


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (lambda: hp.uniform("x", 0, 1), ("float", ("hyperopt_param", "x", ("uniform", 0, 1)))),
        (lambda: hp.quniform("x", 0, 1, 0.5), ("float", ("hyperopt_param", "x", ("quniform", 0, 1, 0.5)))),
        (lambda: hp.lognormal("x", 0, 1), ("float", ("hyperopt_param", "x", ("lognormal", 0, 1)))),
        (lambda: hp.randint("x", 5), ("int", ("hyperopt_param", "x", ("randint", 5)))),
        (lambda: hp.randint("x", 2, 5), ("int", ("hyperopt_param", "x", ("randint", 2, 5)))),
        (
            lambda: hp.randint("x", low=2, high=5),
            ("int", ("hyperopt_param", "x", ("randint", ("high", 5), ("low", 2)))),
        ),
        (
            lambda: hp.uniformint("x", 0, 5, q=3),
            ("int", ("float", ("hyperopt_param", "x", ("quniform", 0, 5, ("q", 1))))),
        ),
        (lambda: hp.choice("x", [7, 8]), ("switch", ("hyperopt_param", "x", ("randint", 2)), 7, 8)),
        (
            lambda: hp.pchoice("x", [(0.25, 7), (0.75, [8])]),
            (
                "switch",
                ("hyperopt_param", "x", ("categorical", ("pos_args", 0.25, 0.75))),
                7,
                ("pos_args", 8),
            ),
        ),
        (lambda: as_apply({"b": 2, "a": [1]}), ("dict", ("a", ("pos_args", 1)), ("b", 2))),
        (
            lambda: as_apply({"a": [1], 2: None}),
            ("dict", ("pos_args", ("pos_args", 2, None), ("pos_args", "a", ("pos_args", 1)))),
        ),
        (lambda: hp.randint("x", 5) + 1, ("add", ("int", ("hyperopt_param", "x", ("randint", 5))), 1)),
    ],
)
def test_graphs_have_hyperopts_structure(node: Any, expected: tuple[Any, ...]) -> None:
    assert as_tuples(node()) == expected
    assert isinstance(node(), Apply)


def test_arguments_are_found_by_name() -> None:
    param = hp.quniform("x", 0, 2, 0.5).pos_args[0]
    assert param.arg["label"].obj == "x"
    arg = param.arg["obj"].arg
    assert (arg["rng"], arg["size"]) == (MissingArgument, MissingArgument)
    assert [arg[name].obj for name in ("low", "high", "q")] == [0, 2, 0.5]
    switch = hp.choice("c", [1, 2])
    assert switch.arg["pos"] is switch.pos_args[0]
    assert [node.obj for node in switch.arg["args"]] == [1, 2]
    assert as_apply({"a": 1}).arg["a"].obj == 1
    assert hp.randint("x", low=2, high=5).pos_args[0].arg["obj"].arg["low"].obj == 2


def test_dfs_returns_each_node_once_after_its_inputs() -> None:
    x = hp.uniform("x", 0, 1)
    names = [node.name for node in dfs(as_apply({"a": x, "b": x + 1}))]
    assert names == ["literal"] * 3 + ["uniform", "hyperopt_param", "float", "literal", "add", "dict"]
    assert [node.name for node in toposort(x)] == names[:6]


def test_a_graph_prints_as_a_tree() -> None:
    x = hp.uniform("x", 0, 1)
    node = as_apply({"c": hp.choice("c", ["u", x]), "x": x})
    lines = str(node).splitlines()
    assert lines[:4] == ["0 dict", "1  c =", "2   switch", "3     hyperopt_param"]
    assert lines[7:9] == ["7     Literal{u}", "8     float"]
    assert lines[-2:] == ["14  x =", "15   float  [line:8]"]
    stream = io.StringIO()
    node.pprint(stream)
    assert stream.getvalue() == f"{node}\n"


def test_evaluation_takes_values_from_the_memo_of_a_domain() -> None:
    domain = Domain(None, {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", [hp.randint("n", 9)]])})
    assert rec_eval(domain.expr, memo=domain.memo_from_config({"x": 0.5, "c": 1, "n": 3})) == {
        "x": 0.5,
        "c": (3,),
    }
    with pytest.raises(SpaceError, match="parameter 'n' has no value"):
        rec_eval(domain.expr, memo=domain.memo_from_config({"x": 0.5, "c": 1}))


def test_the_memo_may_contain_any_node() -> None:
    x = hp.uniform("x", 0, 1)
    total = x + 1
    assert rec_eval({"t": total, "u": total * 2, "x": x}, memo={total: 5, x: 0.25}) == {
        "t": 5,
        "u": 10,
        "x": 0.25,
    }
    assert rec_eval([1, {"a": 2}]) == (1, {"a": 2})


def test_the_memo_may_replace_the_object_of_a_literal() -> None:
    expr = as_apply({"ctrl": Ctrl, "x": 1})
    ctrl = object()
    assert rec_eval(expr, memo=use_obj_for_literal_in_memo(expr, ctrl, Ctrl, {})) == {"ctrl": ctrl, "x": 1}
    assert (
        Domain(lambda c: {"status": "ok", "loss": 0, "c": c["ctrl"]}, {"ctrl": Ctrl}).evaluate({}, ctrl)["c"]
        is ctrl
    )


def test_a_clone_may_replace_nodes() -> None:
    x = hp.uniform("x", 0, 1)
    other = clone(as_apply([x, hp.choice("c", [x, 0])]), memo={x: as_apply(7)})
    assert rec_eval(other, memo=Domain(None, other).memo_from_config({"c": 0})) == (7, 7)
    assert as_tuples((x + 1).clone_from_inputs([2, 3])) == ("add", 2, 3)


def test_nodes_compare_by_identity_and_comparing_with_a_value_raises() -> None:
    x = hp.uniform("x", 0, 1)
    assert x.pos_args[0] == x.pos_args[0] != x
    assert len({x.pos_args[0], x.pos_args[0]}) == 1
    with pytest.raises(SpaceError, match="compare in the objective"):
        _ = x == 1


@pytest.mark.parametrize("rng", [None, 3, np.random.default_rng(3), np.random.RandomState(3)])
def test_samples_are_configurations(rng: Any) -> None:
    sample = stochastic.sample({"a": hp.randint("a", 3), "b": [hp.uniformint("b", 1, 5)]}, rng)
    assert type(sample["a"]) is int
    assert type(sample["b"]) is tuple
    assert 1 <= sample["b"][0] <= 5


def test_samples_depend_only_on_the_seed() -> None:
    space = [hp.normal("n", 0, 1), hp.choice("c", list(range(100)))]
    assert stochastic.sample(space, 5) == stochastic.sample(space, 5) != stochastic.sample(space, 6)


def test_scope_applies_functions_anywhere_in_a_space() -> None:
    x = hp.quniform("x", 1, 9, 1)
    space = {"i": scope.int(x), "e": scope.exp(x), "m": scope.max(x, 4), "s": [scope.str(scope.int(x))]}
    assert space_eval(space, {"x": 3.0}) == {"i": 3, "e": np.exp(3.0), "m": 4, "s": ("3",)}
    assert type(space_eval(space, {"x": 3.0})["i"]) is int
    assert space_eval(scope.asarray([x, 1]), {"x": 3.0}).tolist() == [3.0, 1.0]
    assert space_eval(scope.dict(a=x, b=scope.pos_args(x)), {"x": 3.0}) == {"a": 3.0, "b": (3.0,)}


def test_scope_accepts_functions_of_a_script() -> None:
    @scope.define
    def halved_for_a_test(value: Any, by: int = 2) -> Any:
        return value / by

    try:
        node = scope.halved_for_a_test(hp.uniform("x", 0, 1), by=4)
        assert node.name == "halved_for_a_test"
        assert space_eval(node, {"x": 1.0}) == 0.25
        with pytest.raises(ValueError, match="has a function 'halved_for_a_test' already"):
            scope.define(halved_for_a_test)
        assert scope.define_if_new(halved_for_a_test) is halved_for_a_test
    finally:
        scope.undefine("halved_for_a_test")
    with pytest.raises(AttributeError, match="no function 'halved_for_a_test'"):
        _ = scope.halved_for_a_test
    with pytest.raises(ValueError, match="'int' already"):
        scope.define(int)


def test_a_function_that_is_a_value_is_called() -> None:
    node = scope.call(max, (hp.uniform("x", 0, 1), 0.5))
    assert space_eval(node, {"x": 0.25}) == 0.5
    assert space_eval(hp.choice("f", [abs, float])(-2), {"f": 0}) == 2


def test_a_switch_over_a_random_integer_is_a_choice() -> None:
    node = scope.switch(hp.randint("i", 2), "a", hp.uniform("x", 0, 1))
    assert Space(node).active({"i": 0}) == ("i",)
    assert space_eval(node, {"i": 1, "x": 0.5}) == 0.5
    with pytest.raises(SpaceError, match="'i' has 2 values for 3 options"):
        Space(scope.switch(hp.randint("i", 2), 1, 2, 3))
    assert space_eval(scope.switch(scope.int(hp.quniform("q", 0, 1, 1)), "a", "b"), {"q": 1.0}) == "b"


def test_unlabelled_draws_can_be_sampled_but_not_searched() -> None:
    space = {"u": scope.uniform(0, 1), "o": scope.one_of("a", "b"), "x": hp.uniform("x", 0, 1)}
    sample = stochastic.sample(space, 1)
    assert 0 <= sample["u"] < 1
    assert sample["o"] in {"a", "b"}
    assert list(Domain(None, space).params) == ["x"]
    with pytest.raises(SpaceError, match=r"no label: use hp\.\w+\(label, \.\.\.\)"):
        space_eval(space, {"x": 0.5})
    seeded = {"u": scope.uniform(0, 1, rng=scope.rng_from_seed(5)), "x": hp.uniform("x", 0, 1)}
    assert space_eval(seeded, {"x": 0.5})["u"] == np.random.default_rng(5).uniform(0, 1)


def test_the_options_of_a_choice_may_be_any_iterable() -> None:
    assert space_eval(hp.choice("c", {"a": 1, "b": 2}), {"c": 1}) == "b"
    assert space_eval(hp.choice("c", (i for i in range(3))), {"c": 2}) == 2
    assert space_eval(hp.pchoice("c", ((0.5, "a"), (0.5, "b"))), {"c": 0}) == "a"


def test_labels_must_be_text() -> None:
    for label in ("x", b"x", Literal("x"), Literal(b"x")):
        assert as_tuples(hp.uniform(label, 0, 1)) == as_tuples(hp.uniform("x", 0, 1))
        assert list(Domain(None, scope.hyperopt_param(label, scope.uniform(0, 1))).params) == ["x"]
    for label in (1, None, hp.uniform("y", 0, 1)):  # type: ignore[assignment]
        with pytest.raises(TypeError, match="must be a string label"):
            hp.uniform(label, 0, 1)


def test_graphs_may_contain_nodes_of_hpsearch_hp() -> None:
    x = plain_hp.uniform("x", 0, 1)
    space = {"a": x, "b": hp.choice("c", [x, 2]), "d": plain_hp.choice("d", [hp.uniform("y", 0, 1)])}
    assert space_eval(space, {"x": 0.5, "c": 0, "d": 0, "y": 1.0}) == {"a": 0.5, "b": 0.5, "d": 1.0}
    assert as_apply(space).arg["a"].name == "float"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"x": 0.5}, "parameter 'c' has no value"),
        ({"x": 0.5, "c": 2}, "No option of 'c' is 2"),
        ({"x": [0.5, 0.6], "c": 0}, "must be one number"),
    ],
)
def test_invalid_values_are_rejected(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpaceError, match=sentence):
        space_eval({"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", "b"])}, values)


UNUSABLE = [
    (lambda: hp.choice("x", []), "at least one option"),
    (lambda: hp.pchoice("x", []), "at least one option"),
    (lambda: hp.pchoice("x", [(0.5, 1), (0.9, 2)]), "must add up to 1"),
    (lambda: hp.pchoice("x", [(-0.5, 1), (1.5, 2)]), "is negative"),
    (lambda: hp.uniform("x", 0, -1), "low must be below high"),
    (lambda: hp.uniform("x", 0, float("inf")), "must be finite"),
    (lambda: hp.uniform("x", "0", 1), "must be a number"),
    (lambda: hp.uniform("x", 0), "must be a number"),
    (lambda: hp.quniform("x", 0, 1, 0), "q must be positive"),
    (lambda: hp.quniform("x", 0, 1), "must be a number"),
    (lambda: hp.loguniform("x", 1, 1e6), "outside the range of floats"),
    (lambda: hp.normal("x", 0, -1), "sigma must be positive"),
    (lambda: hp.randint("x", 0), "no integer from 0"),
    (lambda: hp.randint("x", 1.5), "must be an int"),
    (lambda: hp.uniform("", 0, 1), "non-empty string"),
    (lambda: hp.uniform("x" * 300, 0, 1), "at most 200"),
    (lambda: hp.choice("a", [hp.choice("x", [])]), "at least one option"),
    (lambda: hp.choice("a", [1]) + hp.uniform("x", 0, 1, 2, 3, 4), "does not take these arguments"),
    (
        lambda: scope.hyperopt_param("x", scope.uniform(0, hp.uniform("b", 0, 1))),
        "depends on other parameters",
    ),
    (lambda: scope.hyperopt_param("x", 3), "no distribution of hp"),
]


@pytest.mark.parametrize(("make", "sentence"), UNUSABLE)
def test_arguments_are_checked_when_a_space_is_made(make: Any, sentence: str) -> None:
    node = make()
    with pytest.raises(BadSearchSpace, match=sentence):
        Domain(None, {"part": [node]})
    with pytest.raises(SpaceError, match=sentence):
        Space(node)


def test_reversed_bounds_are_rejected_immediately() -> None:
    for make in (hp.uniform, hp.quniform, hp.loguniform, hp.qloguniform, hp.uniformint):
        with pytest.raises(ValueError, match=r"hp\.\w+\('x'\): low must be below high"):
            make("x", 3, high=3)


def test_bounds_that_are_probably_not_logarithms_cause_a_warning_at_their_line() -> None:
    with pytest.warns(HpsearchWarning, match="bounds are logarithms") as caught:
        hp.loguniform("x", 0.001, 0.1)
    assert caught[0].filename == __file__


def test_copies_and_pickles_of_graphs_keep_shared_nodes() -> None:
    x = hp.uniform("x", 0, 1)
    space = {"a": x, "c": hp.choice("c", [x, Literal(3)])}
    for other in (copy.deepcopy(space), pickle.loads(pickle.dumps(space))):
        assert as_tuples(as_apply(other)) == as_tuples(as_apply(space))
        assert space_eval(other, {"x": 0.5, "c": 0}) == {"a": 0.5, "c": 0.5}


def test_a_part_of_a_space_can_be_evaluated() -> None:
    node = as_apply({"steps": [1, {"a": 2}], "k": hp.choice("k", [1, 2])})
    assert dict(node.named_args)["steps"].eval() == (1, {"a": 2})
    assert as_apply(["a", "b"])[0].eval() == "a"
    assert (as_apply(3) * 2 - scope.len([1, 2])).eval() == 4  # type: ignore[attr-defined]
    with pytest.raises(SpaceError, match="no rng and no label"):
        hp.uniform("x", 0, 1).eval()


def test_inputs_may_be_changed_in_place() -> None:
    """A search uses the graph as it is when the domain is made."""
    node, x = as_apply({"k": hp.choice("k", [1, 2])}), hp.uniform("x", 0, 1)
    node.named_args.append(["extra", as_apply([x])])
    node.named_args[0][1].pos_args.append(as_apply(3))
    node.named_args[0][1].pos_args[0].pos_args[1].pos_args[0] = as_apply(3)
    assert Domain(None, node).params.keys() == {"k", "x"}
    assert space_eval(node, {"k": 2, "x": 0.5}) == {"k": 3, "extra": (0.5,)}
    assert sorted(stochastic.sample(node)) == ["extra", "k"]
    assert node.replace_input(node.named_args[1][1], as_apply(7)) == [1]
    assert space_eval(node, {"k": 0}) == {"k": 1, "extra": 7}
    draw = x.pos_args[0].pos_args[1]
    draw.set_kwarg("size", 3)
    draw.set_kwarg("size", 4)
    assert len(stochastic.sample(draw)) == 4
    with pytest.raises(TypeError, match="'low' by position"):
        draw.set_kwarg("low", 1)


def test_tuples_and_literals_have_a_length_and_can_be_unpacked() -> None:
    a, b = as_apply((2, 3))
    assert rec_eval(a + b) == 5
    first, *rest = Literal([1, 2, 3])
    assert (first.eval(), len(rest)) == (1, 2)
    assert len(as_apply({"a": 1, "b": 2})) == 2
    assert bool(as_apply({"a": 1}))
    assert not as_apply(())
    with pytest.raises(IndexError):
        _ = as_apply((1, 2))[2]
    for unknown in (as_apply([1, 2]), hp.uniform("x", 0, 1), scope.uniform(0, 1)):
        for ask in (len, bool, list):
            with pytest.raises(TypeError, match="has"):
                ask(unknown)


def test_only_the_chosen_option_is_evaluated() -> None:
    index = Literal()
    node = scope.switch(index, "a", scope.Raise(RuntimeError, "not this one"))
    assert rec_eval(node, memo={index: 0}) == "a"
    assert rec_eval(node, memo={index: np.array([0])}) == "a"
    with pytest.raises(RuntimeError, match="not this one"):
        rec_eval(node, memo={index: 1})
    for wrong, error in (("a", TypeError), (0.5, TypeError), (-1, ValueError), (2, ValueError)):
        with pytest.raises(error, match="chooses"):
            rec_eval(node, memo={index: wrong})


def test_an_index_shared_by_switches_is_one_parameter() -> None:
    i = hp.randint("i", 2)
    space = {"a": scope.switch(i, 1, 2), "b": scope.switch(i, "x", hp.uniform("u", 0, 1)), "i": i}
    domain = Domain(None, space)
    assert list(domain.params) == ["i", "u"]
    assert space_eval(space, {"i": 0}) == {"a": 1, "b": "x", "i": 0}
    assert Space.from_json(domain.space.to_json()).config({"i": 1, "u": 0.5}) == {"a": 2, "b": 0.5, "i": 1}


@pytest.mark.parametrize("seed", range(5))
def test_a_graph_and_its_stored_space_give_the_same_configuration(seed: int) -> None:
    """Workers evaluate the stored space, this process the graph."""
    x, n = hp.uniform("x", -1, 1), hp.uniformint("n", 1, 5)
    space = {
        "x": [x, x**2, scope.exp(x), abs(x)],
        "n": {1: n, "half": n / 2},
        "c": hp.choice("c", [scope.int(hp.quniform("q", 0, 9, 1)), {"r": hp.randint("r", 5), "f": max}]),
        "p": hp.pchoice("p", [(0.25, functools.partial(round, x)), (0.75, scope.max(x, 0))]),
        "s": scope.switch(hp.randint("i", 2), "a", n),
        "l": scope.asarray([1, 2]),
        "k": scope.call(sorted, ([3, 1],), {"reverse": True}),
    }
    domain = Domain(None, space)
    stored = Space.from_json(domain.space.to_json(), TRUSTED)
    values = stored.sample(np.random.default_rng(seed))
    ours, theirs = stored.config(values), rec_eval(domain.expr, memo=domain.memo_from_config(values))
    assert ours.pop("l").tolist() == theirs.pop("l").tolist()
    partials = [c.pop("p") for c in (ours, theirs) if callable(c["p"])]
    assert [(p.func, p.args) for p in partials[:1]] == [(p.func, p.args) for p in partials[1:]]
    assert ours == theirs


def test_a_graph_of_hpsearch_nodes_gives_the_same_space() -> None:
    x = plain_hp.uniform("x", 0, 1)
    plain = {
        "a": [x, x * 2, functools.partial(max, x)],
        "c": plain_hp.choice("c", [x, plain_hp.uniformint("n", 1, 5)]),
        "p": plain_hp.pchoice(
            "p", [(0.5, plain_hp.randint("r", 2, 5)), (0.5, plain_hp.qlognormal("q", 0, 1, 2))]
        ),
    }
    assert Space(as_apply(plain)).to_json() == Space(plain).to_json()
    assert Space({"one": as_apply(x), "other": as_apply(x), "raw": x}).nodes.keys() == {"x"}


def test_functions_of_scope_can_be_imported_under_other_names() -> None:
    table: dict[Any, Any] = {}
    scope.import_(table, "uniform", power="pow")
    assert table.keys() == {"uniform", "power"}
    assert table["power"](2, 3).eval() == 8
    with pytest.raises(PyllImportError, match="'missing'"):
        scope.inject("missing")


def test_a_cyclic_graph_is_rejected() -> None:
    node = as_apply([1])
    node.pos_args.append(node)
    with pytest.raises(SpaceError, match="contains a cycle"):
        toposort(node)
    with pytest.raises(SpaceError, match="nested deeper"):
        Domain(None, node)
