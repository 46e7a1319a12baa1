"""Graphs as libraries use them: building, traversal, changes, evaluation, sampling, algorithms."""

import io

import numpy as np
from hyperopt import Domain, Trials, anneal, fmin, hp, pyll, rand, space_eval, tpe
from hyperopt.base import miscs_to_idxs_vals, miscs_update_idxs_vals
from hyperopt.pyll import as_apply, clone, clone_merge, dfs, rec_eval, scope, toposort
from hyperopt.pyll.base import Apply, Lambda, Literal, MissingArgument, p0
from hyperopt.pyll.stochastic import implicit_stochastic_symbols, recursive_set_rng_kwarg, sample
from hyperopt.pyll_utils import EQ, expr_to_config


def show(name, compute):
    """Print a result, or the built-in kind of the exception that there is instead."""
    try:
        print(name, "->", compute())
    except Exception as error:
        kinds = (TypeError, IndexError, KeyError, AttributeError, NotImplementedError, ValueError, Exception)
        print(name, "raises", next(kind.__name__ for kind in kinds if isinstance(error, kind)))


x = hp.quniform("x", 0, 4, q=2)
choice = hp.choice("c", ["u", x, {"deep": hp.pchoice("p", [(0.25, 1), (0.75, (2, [x]))])}])
space = as_apply({"c": choice, "n": hp.uniformint("n", 1, 5), "r": hp.randint("r", low=2, high=5), "x": x})
print(space)
print([node.name for node in dfs(space)])
print(len(toposort(space)) == len(dfs(space)))
stream = io.StringIO()
choice.pprint(stream, indent=4)
print(stream.getvalue())

# Keys that are not text, lengths, unpacking
print(as_apply({2: "b", 1: x}))
show("length of a dict", lambda: len(as_apply({"a": 1, "b": 2})))
show("length of a tuple", lambda: len(as_apply((1, 2, 3))))
show("length of a list", lambda: len(as_apply([1, 2])))
show("length of a parameter", lambda: len(x))
show("truth of a dict", lambda: bool(as_apply({"a": 1})))
show("truth of a parameter", lambda: bool(x))
show("unpacked", lambda: [item.eval() for item in as_apply((5, 6))])
show("literal unpacked", lambda: [item.eval() for item in Literal([7, 8])])
show("beyond the end", lambda: as_apply((1, 2))[2])
show("from the end", as_apply((1, 2))[-1].eval)
show("compared", lambda: (x == x, x != as_apply(1)))

# Values of parts
show("eval", lambda: as_apply({"steps": [1, {"a": 2}]}).eval())
show("arithmetic", ((as_apply(7) // 2) ** 2 - 1 < 9).eval)
show("call", lambda: as_apply(max)(1, 3).eval())
show("method", lambda: scope.call_method_pure("a-b", "split", "-").eval())
show("joined", lambda: scope.str_join("+", ["a", "b"]).eval())
show("sum", lambda: scope.sum([[1, 2], [3, 4]], axis=0).eval().tolist())
show("range", lambda: list(scope.range(3).eval()))
show("kwswitch", lambda: rec_eval(scope.kwswitch("k2", k1="a", k2="b", k3=scope.Raise(RuntimeError))))
show("union", lambda: scope.array_union([3, 1], [2, 3]).eval().tolist())
show("repeat", lambda: scope.repeat(2, "a").eval())
show("asarray", lambda: scope.asarray([1, 2], dtype="float32").eval().dtype)
show("bincount", lambda: scope.bincount([3, 3, 5], offset=3).eval().tolist())
show("identity", lambda: scope.identity((1, 2)).eval())
show("getattr", lambda: scope.getattr(as_apply(1 + 2j), "imag").eval())
show("map", lambda: list(scope.map(str, as_apply((1, 2))).eval()))
scope.define(Lambda("times_two", [("x", p0)], expr=p0 * 2))
show("lambda", lambda: rec_eval(scope.times_two(x), memo={x: 4}))
show("partial", lambda: rec_eval(scope.partial("sub", 10)(x), memo={x: 4}))


@scope.define_info(o_len=2)
def halves(value):
    """Return a value in two parts."""
    return value // 2, value - value // 2


show("two results", lambda: [rec_eval(part) for part in scope.halves(5)])
show("defined twice", lambda: scope.define(halves))
scope.undefine(halves)
show("undefined", lambda: scope.halves)

# Arguments by name
param = x.pos_args[0].pos_args[0] if x.pos_args[0].name == "float" else x.pos_args[0]
arg = param.arg["obj"].arg
show("arguments", lambda: [arg[name].obj for name in ("low", "high", "q")])
show("missing", lambda: arg["rng"] is MissingArgument)
show("named", lambda: [name for name, _ in param.arg["obj"].named_args])

# Changes in place
changed = as_apply({"a": 1})
changed.named_args.append(["b", as_apply([x])])
changed.named_args[0][1] = as_apply("new")
show("changed", lambda: space_eval(changed, {"x": 2.0}))
show("replaced", lambda: changed.replace_input(changed.named_args[1][1], as_apply(3)))
show("replaced value", lambda: space_eval(changed, {}))
copy = clone(space)
show("shared with a clone", lambda: len(set(dfs(copy)) & set(dfs(space))))
show("evaluated clone", lambda: space_eval(copy, {"c": 1, "x": 2.0, "n": 3.0, "r": 4}))
a, b, c = as_apply((2, 3, 2))
product = (a + b) * (c + b)
show("merged", lambda: len(dfs(clone_merge(product, merge_literals=True))) < len(dfs(product)))
show("not merged", lambda: len(dfs(clone_merge(product))) == len(dfs(product)))
show("made by hand", lambda: Apply("add", [as_apply(1), as_apply(2)], {}).eval())
show("set", lambda: rec_eval(recursive_set_rng_kwarg(scope.uniform(0, 1), np.random.default_rng(5))) < 1)

# The same seed gives the same samples
print({"uniform", "qlognormal", "randint", "categorical"} <= implicit_stochastic_symbols)
rng = np.random.default_rng(7)
for node in (
    scope.uniform(0, 1),
    scope.loguniform(0, 1),
    scope.quniform(0, 9, 3),
    scope.qloguniform(0, 4, 2),
    scope.normal(0, 1),
    scope.qnormal(0, 9, 3),
    scope.lognormal(0, 1),
    scope.qlognormal(0, 2, 1),
    scope.randint(5),
    scope.randint(5, 9),
    scope.one_of("a", "b", "c"),
    scope.choice([1, 2]),
    x,
    choice,
    space,
    hp.pchoice("p", [(0.1, "a"), (0.9, "b")]),
):
    print(sample(node, rng))
print(sample({"u": scope.uniform(0, 1), "l": [scope.normal(5, 1)]}, np.random.default_rng(1)))

# Conditions of parameters
hps = {}
inner = hp.choice("d", [x, 1])
expr_to_config(hp.choice("c", [0, [x, inner], hp.choice("e", [hp.normal("f", 0, 1), x])]), (True,), hps)
for label in sorted(hps):
    conditions = sorted(len(conditions) for conditions in hps[label]["conditions"])
    print(label, hps[label]["node"].name, conditions, (True, EQ("c", 1)) in hps[label]["conditions"])

# Algorithms over the graph of a domain
domain = Domain(lambda config: 0.0, {"c": choice, "y": hp.loguniform("y", 0, 1), "z": hp.normal("z", 0, 1)})
print(sorted(domain.params), sorted(domain.vh.params), sorted(domain.vh.vals_by_label()))
memo = {domain.s_new_ids: list(range(40)), domain.s_rng: np.random.default_rng(3)}
idxs, vals = rec_eval(domain.s_idxs_vals, memo=memo)
print(sorted(idxs) == sorted(vals), all(len(idxs[label]) == len(vals[label]) for label in idxs))
chosen = dict(zip(idxs["c"], vals["c"]))
print(sorted(idxs["p"]) == [tid for tid in range(40) if chosen[tid] == 2])
reaching = dict(zip(idxs["p"], vals["p"]))
expected = [tid for tid in range(40) if chosen[tid] == 1 or reaching.get(tid) == 1]
print(sorted(idxs["x"]) == expected, sorted({type(value).__name__ for value in vals["c"]}))


def suggest(new_ids, domain, trials, seed):
    """Suggest as Hyperopt's own random search is written."""
    rng, docs = np.random.default_rng(seed), []
    for tid in new_ids:
        memo = {domain.s_new_ids: [tid], domain.s_rng: rng}
        misc = {"tid": tid, "cmd": domain.cmd, "workdir": domain.workdir}
        miscs_update_idxs_vals([misc], *pyll.rec_eval(domain.s_idxs_vals, memo=memo))
        docs += trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
    return docs


trials = Trials()
fmin(
    lambda config: config["y"],
    {"c": choice, "y": hp.uniform("y", 0, 1)},
    suggest,
    6,
    trials=trials,
    verbose=False,
)
print(len(trials), sorted(miscs_to_idxs_vals(trials.miscs)[0]))
for algo in (rand.suggest, tpe.suggest, anneal.suggest):
    doc = algo([0], domain, Trials(), 5)[0]
    print({label: type(value[0]).__name__ for label, value in doc["misc"]["vals"].items() if label in "cyz"})

# Values that libraries pass for inactive labels
for point in ({"c": 0, "x": None, "p": None}, {"c": 1, "x": 2.0, "other": 1}, {"c": 2, "p": 0, "x": []}):
    show(f"point {point}", lambda point=point: space_eval(choice, point))
show("an option of NumPy's", lambda: type(space_eval(hp.choice("n", np.arange(3)), {"n": 1})).__name__)
show("one value", lambda: fmin(lambda v: v, hp.quniform("q", 3, 3.2, 1), rand.suggest, 2, verbose=False))
