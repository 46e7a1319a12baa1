"""Expressions in spaces, graphs, samples, and objectives that take the graph."""

import hyperopt
import numpy as np
from hyperopt import Domain, Trials, fmin, fmin_pass_expr_memo_ctrl, hp, pyll, rand, space_eval
from hyperopt.exceptions import BadSearchSpace, DuplicateLabel
from hyperopt.pyll import as_apply, scope
from hyperopt.pyll.base import dfs, rec_eval, toposort
from hyperopt.pyll.stochastic import sample

x = hp.quniform("x", 2, 8, 2)
space = {
    "i": scope.int(x),
    "s": x + 1,
    "r": 1 - x,
    "m": x * 2,
    "d": x / 4,
    "f": x // 3,
    "p": x**2,
    "g": -x,
    "lt": x < 5,
    "t": (x, [x]),
}
print(space_eval(space, {"x": 6.0}))
print({k: type(v).__name__ for k, v in space_eval(space, {"x": 6.0}).items()})
print(space_eval({"e": scope.int(scope.exp(x)), "m": scope.max(x, 5)}, {"x": 4.0}))


@scope.define
def tripled(a, b=1):
    return 3 * a + b


print(
    space_eval([scope.tripled(x, b=scope.int(x)), hp.choice("c", [scope.tripled(1), x])], {"x": 4.0, "c": 0})
)
print(space_eval(scope.switch(hp.randint("i", 3), "a", "b", x), {"i": 2, "x": 4.0}))
shared = hp.uniform("shared", 0, 1)
best = fmin(lambda c: c[1], [hp.choice("c", [shared, [shared, 2]]), shared], rand.suggest, 9, verbose=False)
print(sorted(best))

for broken in (
    {"a": hp.uniform("x", 0, 1), "b": hp.uniform("x", 0, 1)},
    hp.choice("c", [hp.uniform("y", 0, 1), hp.normal("y", 0, 1)]),
):
    try:
        fmin(lambda c: 0, broken, rand.suggest, 1, verbose=False)
    except DuplicateLabel as error:
        print("duplicate", isinstance(error, BadSearchSpace))
for label in (1, None, ["x"]):
    try:
        hp.uniform(label, 0, 1)
    except TypeError:
        print("no label")

switch = hp.choice("c", ["u", {"k": hp.loguniform("k", -3, 0)}])
print(
    switch.name, [arg.name for arg in switch.pos_args], switch.pos_args[1].obj, isinstance(switch, pyll.Apply)
)
print([node.name for node in dfs(switch)], len(toposort(switch)))
param = hp.randint("r", 7).pos_args[0]
print(param.name, param.arg["label"].obj, param.arg["obj"].name)
print([(a.name, [float(b.obj) for b in a.pos_args]) for a in [hp.normal("n", 1, 2).pos_args[0].pos_args[1]]])
print(as_apply([1, {"a": (2,)}]).name, rec_eval(as_apply([1, {"a": (2,)}])))

drawn = sample({"a": hp.randint("a", 1), "b": [hp.quniform("b", 0, 1, 1) * 0, "s"]}, np.random.default_rng(1))
print(drawn, type(drawn["a"]).__name__)
domain = Domain(lambda c: c, {"x": x, "c": hp.choice("c", ["a", x])})
print(sorted(domain.params), domain.cmd, domain.workdir, domain.rec_eval_print_node_on_error)
print(pyll.rec_eval(domain.expr, memo=domain.memo_from_config({"x": 4.0, "c": 1})))


@fmin_pass_expr_memo_ctrl
def by_graph(expr, memo, ctrl):
    ctrl.attachments["seen"] = 1
    return pyll.rec_eval(expr, memo=memo)["x"]


trials = Trials()
fmin(hyperopt.partial(by_graph), {"x": x}, rand.suggest, 2, trials=trials, verbose=False)
print(trials.losses() == trials.vals["x"], trials.attachments)


def annotated(a: hp.uniform("a", 0, 1), b: hp.choice("b", [2])):
    return a * b


print(sorted(fmin(annotated, "annotated", rand.suggest, 2, verbose=False)))
