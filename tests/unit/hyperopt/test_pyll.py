"""Graphs: their shape, their walk, their values, and ``scope``."""

import copy
import pickle

import numpy as np
import pytest

from hpsearch import hp as plain_hp
from hpsearch.errors import HpsearchWarning, SpaceError
from hpsearch.hyperopt import hp, space_eval
from hpsearch.hyperopt.base import Ctrl, Domain
from hpsearch.hyperopt.pyll import Apply, Literal, as_apply, clone, dfs, rec_eval, scope, stochastic, toposort
from hpsearch.hyperopt.utils import use_obj_for_literal_in_memo
from hpsearch.space.tree import Space


def shape(face):
    """Return a graph as nested tuples of names and literals."""
    if isinstance(face, Literal):
        return face.obj
    return (face.name, *map(shape, face.pos_args), *((key, shape(child)) for key, child in face.named_args))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (lambda: hp.uniform("x", 0, 1), ("float", ("hyperopt_param", "x", ("uniform", 0, 1)))),
        (lambda: hp.quniform("x", 0, 1, 0.5), ("float", ("hyperopt_param", "x", ("quniform", 0, 1, 0.5)))),
        (lambda: hp.lognormal("x", 0, 1), ("float", ("hyperopt_param", "x", ("lognormal", 0, 1)))),
        (lambda: hp.randint("x", 5), ("int", ("hyperopt_param", "x", ("randint", 5)))),
        (lambda: hp.randint("x", low=2, high=5), ("int", ("hyperopt_param", "x", ("randint", 2, 5)))),
        (lambda: hp.uniformint("x", 0, 5, q=3), ("int", ("hyperopt_param", "x", ("quniform", 0, 5, 1)))),
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
        (lambda: as_apply({"a": [1], 2: None}), ("dict", (2, None), ("a", ("pos_args", 1)))),
        (lambda: hp.randint("x", 5) + 1, ("add", ("int", ("hyperopt_param", "x", ("randint", 5))), 1)),
    ],
)
def test_graphs_have_hyperopts_shape(node, expected) -> None:
    assert shape(node()) == expected
    assert isinstance(node(), Apply)


def test_arguments_are_found_by_name() -> None:
    param = hp.quniform("x", 0, 2, 0.5).pos_args[0]
    assert param.arg["label"].obj == "x"
    assert {name: face.obj for name, face in param.arg["obj"].arg.items()} == {"low": 0, "high": 2, "q": 0.5}
    switch = hp.choice("c", [1, 2])
    assert switch.arg["index"] == switch.pos_args[0]
    assert [face.obj for face in switch.arg["args"]] == [1, 2]


def test_a_walk_meets_each_node_once_after_its_inputs() -> None:
    x = hp.uniform("x", 0, 1)
    names = [face.name for face in dfs(as_apply({"a": x, "b": x + 1}))]
    assert names == ["literal"] * 3 + ["uniform", "hyperopt_param", "float", "literal", "add", "dict"]
    assert [face.name for face in toposort(x)] == names[:6]


def test_a_graph_prints_as_a_tree() -> None:
    lines = str(as_apply({"c": hp.choice("c", ["u", 2])})).splitlines()
    assert lines[:3] == ["0 dict", "1   c = switch", "2     hyperopt_param"]
    assert lines[-1].split() == ["7", "Literal{2}"]


def test_values_come_from_the_memo_of_a_domain() -> None:
    domain = Domain(None, {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", [hp.randint("n", 9)]])})
    assert rec_eval(domain.expr, memo=domain.memo_from_config({"x": 0.5, "c": 1, "n": 3})) == {
        "x": 0.5,
        "c": (3,),
    }
    with pytest.raises(SpaceError, match="parameter 'n' has no value"):
        rec_eval(domain.expr, memo=domain.memo_from_config({"x": 0.5, "c": 1}))


def test_any_node_can_have_its_value_in_the_memo() -> None:
    x = hp.uniform("x", 0, 1)
    total = x + 1
    assert rec_eval({"t": total, "u": total * 2, "x": x}, memo={total: 5, x: 0.25}) == {
        "t": 5,
        "u": 10,
        "x": 0.25,
    }
    assert rec_eval([1, {"a": 2}]) == (1, {"a": 2})


def test_an_object_can_stand_in_for_a_literal() -> None:
    expr = as_apply({"ctrl": Ctrl, "x": 1})
    ctrl = object()
    assert rec_eval(expr, memo=use_obj_for_literal_in_memo(expr, ctrl, Ctrl, {})) == {"ctrl": ctrl, "x": 1}
    assert (
        Domain(lambda c: {"status": "ok", "loss": 0, "c": c["ctrl"]}, {"ctrl": Ctrl}).evaluate({}, ctrl)["c"]
        is ctrl
    )


def test_a_clone_has_other_nodes_where_asked() -> None:
    x = hp.uniform("x", 0, 1)
    other = clone(as_apply([x, hp.choice("c", [x, 0])]), memo={x: as_apply(7)})
    assert rec_eval(other, memo=Domain(None, other).memo_from_config({"c": 0})) == (7, 7)
    assert shape((x + 1).clone_from_inputs([2, 3])) == ("add", 2, 3)


def test_faces_of_the_same_part_are_equal_and_comparing_with_a_value_is_refused() -> None:
    x = hp.uniform("x", 0, 1)
    assert x.pos_args[0] == x.pos_args[0] != x
    assert len({x.pos_args[0], x.pos_args[0]}) == 1
    with pytest.raises(SpaceError, match="compare in the objective"):
        _ = x == 1


@pytest.mark.parametrize("rng", [None, 3, np.random.default_rng(3), np.random.RandomState(3)])
def test_samples_are_configurations(rng) -> None:
    sample = stochastic.sample({"a": hp.randint("a", 3), "b": [hp.uniformint("b", 1, 5)]}, rng)
    assert type(sample["a"]) is int
    assert type(sample["b"]) is tuple
    assert 1 <= sample["b"][0] <= 5


def test_samples_depend_on_the_seed_alone() -> None:
    space = [hp.normal("n", 0, 1), hp.choice("c", list(range(100)))]
    assert stochastic.sample(space, 5) == stochastic.sample(space, 5) != stochastic.sample(space, 6)


def test_scope_applies_functions_anywhere_in_a_space() -> None:
    x = hp.quniform("x", 1, 9, 1)
    space = {"i": scope.int(x), "e": scope.exp(x), "m": scope.max(x, 4), "s": [scope.str(scope.int(x))]}
    assert space_eval(space, {"x": 3.0}) == {"i": 3, "e": np.exp(3.0), "m": 4, "s": ("3",)}
    assert type(space_eval(space, {"x": 3.0})["i"]) is int
    assert space_eval(scope.asarray([x, 1]), {"x": 3.0}).tolist() == [3.0, 1.0]
    assert space_eval(scope.dict(a=x, b=scope.pos_args(x)), {"x": 3.0}) == {"a": 3.0, "b": (3.0,)}


def test_scope_takes_functions_of_a_script() -> None:
    @scope.define
    def halved_for_a_test(value, by=2):
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
        scope.inject(int)


def test_a_function_that_is_a_value_is_called() -> None:
    node = scope.call(max, (hp.uniform("x", 0, 1), 0.5))
    assert space_eval(node, {"x": 0.25}) == 0.5
    assert space_eval(hp.choice("f", [abs, float])(-2), {"f": 0}) == 2


def test_a_switch_over_a_random_integer_is_a_choice() -> None:
    node = scope.switch(hp.randint("i", 2), "a", hp.uniform("x", 0, 1))
    assert Space(node).active({"i": 0}) == ("i",)
    assert space_eval(node, {"i": 1, "x": 0.5}) == 0.5
    with pytest.raises(SpaceError, match="'i' has 2 values for 3 options"):
        scope.switch(hp.randint("i", 2), 1, 2, 3)
    assert space_eval(scope.switch(scope.int(hp.quniform("q", 0, 1, 1)), "a", "b"), {"q": 1.0}) == "b"


def test_unlabelled_draws_are_refused_with_what_to_write() -> None:
    with pytest.raises(AttributeError, match=r"write hp\.uniform\(label, \.\.\.\)"):
        scope.uniform(0, 1)


def test_the_options_of_a_choice_may_be_any_iterable() -> None:
    assert space_eval(hp.choice("c", {"a": 1, "b": 2}), {"c": 1}) == "b"
    assert space_eval(hp.choice("c", (i for i in range(3))), {"c": 2}) == 2
    assert space_eval(hp.pchoice("c", ((0.5, "a"), (0.5, "b"))), {"c": 0}) == "a"


def test_labels_are_text() -> None:
    assert hp.uniform(b"x", 0, 1).label == hp.uniform(Literal("x"), 0, 1).label == "x"
    for label in (1, None, hp.uniform("y", 0, 1)):
        with pytest.raises(TypeError, match="must be a string label"):
            hp.uniform(label, 0, 1)


def test_graphs_and_plain_nodes_mix() -> None:
    x = plain_hp.uniform("x", 0, 1)
    space = {"a": x, "b": hp.choice("c", [x, 2]), "d": plain_hp.choice("d", [hp.uniform("y", 0, 1)])}
    assert space_eval(space, {"x": 0.5, "c": 0, "d": 0, "y": 1.0}) == {"a": 0.5, "b": 0.5, "d": 1.0}
    assert as_apply(space).arg["a"].name == "float"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"x": 0.5}, "parameter 'c' has no value"),
        ({"x": 0.5, "c": 2}, "No option of 'c' is 2"),
        ({"x": [0.5, 0.6], "c": 0}, "each must be one number"),
    ],
)
def test_values_that_give_no_configuration_are_told(values, sentence) -> None:
    with pytest.raises(SpaceError, match=sentence):
        space_eval({"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", "b"])}, values)


def test_bounds_are_checked_when_the_node_is_built() -> None:
    with pytest.raises(SpaceError, match="low must be"):
        hp.uniform("x", 0, -1)
    with pytest.raises(SpaceError, match="must add up to 1"):
        hp.pchoice("x", [(0.5, 1), (0.9, 2)])
    with pytest.warns(HpsearchWarning, match="bounds are logarithms"):
        hp.loguniform("x", 0.001, 0.1)


def test_graphs_can_be_copied_and_pickled_with_what_they_share() -> None:
    x = hp.uniform("x", 0, 1)
    space = {"a": x, "c": hp.choice("c", [x, Literal(3)])}
    for other in (copy.deepcopy(space), pickle.loads(pickle.dumps(space))):
        assert shape(as_apply(other)) == shape(as_apply(space))
        assert space_eval(other, {"x": 0.5, "c": 0}) == {"a": 0.5, "c": 0.5}
