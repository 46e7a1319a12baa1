"""The calls with which other libraries use algorithms and documents."""

import math
from typing import Any

import numpy as np
import pytest

import hpsearch.hyperopt as hpo
from hpsearch.hyperopt import anneal, base, hp, mix, rand, tpe, utils
from hpsearch.hyperopt.engine.history_reader import HistoryReader
from hpsearch.hyperopt.fmin import generate_trials_to_calculate
from hpsearch.space.tree import Space
from hpsearch.suggest.tpe.suggest import TPE, TPEOptions

SPACE = {
    "lr": hp.loguniform("lr", -7, -1),
    "act": hp.choice("act", ["relu", "tanh"]),
    "net": hp.choice("net", [{"kind": "flat"}, {"kind": "deep", "n": hp.uniformint("n", 2, 5)}]),
}
ALGORITHMS = [rand.suggest, tpe.suggest, anneal.suggest]


class AskTell:
    """An ask-and-tell adapter as in large tuning frameworks."""

    def __init__(self, space: Any, algo: Any, points: Any = ()) -> None:
        self.algo, self.space = algo, space
        self.points = [self._indexed(dict(point)) for point in points]
        self.trials = generate_trials_to_calculate(self.points) if points else hpo.Trials()
        self.trials.refresh()
        self.n_points = len(self.points)
        self.domain = hpo.Domain(lambda spec: spec, space)
        self.rstate = np.random.default_rng(1)

    def _indexed(self, point: Any) -> Any:
        for key, value in point.items():
            node = self.space[key]
            if isinstance(node, hpo.base.pyll.Apply) and node.name == "switch" and node.pos_args:
                point[key] = [arg.obj for arg in node.pos_args[1:] if arg.name == "literal"].index(value)  # type: ignore[attr-defined]
        return point

    def ask(self) -> Any:
        if self.n_points:
            self.n_points -= 1
            trial = self.trials.trials[self.n_points]
        else:
            new_ids = self.trials.new_trial_ids(1)
            self.trials.refresh()
            docs = self.algo(new_ids, self.domain, self.trials, self.rstate.integers(2**31 - 1))
            self.trials.insert_trial_docs(docs)
            self.trials.refresh()
            trial = docs[0]
        config = base.spec_from_misc(trial["misc"])
        ctrl = base.Ctrl(self.trials, current_trial=trial)
        memo = self.domain.memo_from_config(config)
        utils.use_obj_for_literal_in_memo(self.domain.expr, ctrl, base.Ctrl, memo)
        on_error = self.domain.rec_eval_print_node_on_error
        point = hpo.pyll.rec_eval(self.domain.expr, memo=memo, print_node_on_error=on_error)
        return trial["tid"], point

    def tell(self, tid: Any, loss: Any) -> None:
        trial = next(t for t in self.trials.trials if t["tid"] == tid)
        trial["refresh_time"] = utils.coarse_utcnow()
        if loss is None:
            trial["state"] = base.JOB_STATE_ERROR
            trial["misc"]["error"] = (str(RuntimeError), "failed")
        else:
            trial["state"] = base.JOB_STATE_DONE
            trial["result"] = {"loss": loss, "status": "ok"}
        self.trials.refresh()


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_an_ask_tell_adapter_runs_with_several_trials_in_flight(algo: Any) -> None:
    adapter = AskTell(SPACE, algo)
    live, losses = [], []
    for i in range(40):
        live.append(adapter.ask())
        if len(live) == 3:
            tid, point = live.pop(i % 3)
            assert point["act"] in {"relu", "tanh"}
            assert set(point["net"]) == ({"kind", "n"} if point["net"]["kind"] == "deep" else {"kind"})
            losses.append((math.log(point["lr"]) + 4) ** 2)
            adapter.tell(tid, None if i == 7 else losses[-1])
    assert min(losses) < 0.5
    assert len(adapter.trials) == 39  # without the failed trial


def test_an_adapter_looks_up_the_options_of_a_choice() -> None:
    adapter = AskTell(
        {"act": SPACE["act"], "x": hp.uniform("x", 0, 1)}, rand.suggest, [{"act": "tanh", "x": 0.5}]
    )
    assert adapter.ask() == (0, {"act": "tanh", "x": 0.5})
    assert adapter.ask()[0] == 1


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_documents_may_be_inserted_with_text_as_trial_numbers(algo: Any) -> None:
    space = {"a": hp.uniform("a", 0, 10), "b": hp.quniform("b", 0, 10, 1)}
    domain, rstate = hpo.Domain(None, space, pass_expr_memo_ctrl=False), np.random.default_rng(0)
    rounds = hpo.FMinIter(algo, domain, hpo.Trials(), max_evals=-1, rstate=rstate, verbose=0)
    rounds.catch_eval_exceptions = False
    trials, domain = rounds.trials, rounds.domain
    for i in range(25):
        tid = f"exp-{i:x}"
        misc = {"tid": tid, "cmd": domain.cmd, "workdir": domain.workdir}
        vals = {"a": [float(i % 10)], "b": [float(i % 5)]}
        base.miscs_update_idxs_vals(
            [misc], {"a": [tid], "b": [tid]}, vals, idxs_map={tid: tid}, assert_all_vals_used=False
        )
        (doc,) = trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
        trials.insert_trial_docs([doc])
        trials.refresh()
        trials._dynamic_trials[i]["state"] = base.JOB_STATE_DONE
        trials._dynamic_trials[i]["result"] = {"loss": abs(i % 10 - 3.0), "status": "ok"}
    trials.refresh()
    (doc,) = rounds.algo(
        new_ids=["exp-new"], domain=domain, trials=trials, seed=rounds.rstate.integers(2**31 - 1)
    )
    assert doc["tid"] == doc["misc"]["tid"] == "exp-new"
    assert doc["misc"]["idxs"] == {"a": ["exp-new"], "b": ["exp-new"]}
    domain.space.validate(base.spec_from_misc(doc["misc"]))


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_suggest_returns_a_document_per_number_and_depends_only_on_the_seed(algo: Any) -> None:
    domain, trials = hpo.Domain(None, SPACE), hpo.Trials()
    docs = algo([3, 4, 5], domain, trials, 7)
    assert [doc["tid"] for doc in docs] == [3, 4, 5]
    assert len({doc["misc"]["vals"]["lr"][0] for doc in docs}) == 3
    assert docs == algo([3, 4, 5], domain, trials, np.int64(7))
    assert docs != algo([3, 4, 5], domain, trials, 8)
    assert len(trials) == 0


def test_suggest_batch_returns_values_by_label() -> None:
    idxs, vals = rand.suggest_batch([1, 2], hpo.Domain(None, SPACE), hpo.Trials(), 0)
    assert idxs["lr"] == [1, 2]
    assert vals.keys() == {"lr", "act", "net", "n"}
    assert anneal.suggest_batch([1, 2], hpo.Domain(None, SPACE), hpo.Trials(), 0) == (idxs, vals)


def test_a_custom_algorithm_reads_and_writes_documents() -> None:
    calls = []

    def grid(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        calls.append((new_ids, len(trials), seed))
        docs = []
        for tid in new_ids:
            misc = {"tid": tid, "cmd": domain.cmd, "workdir": domain.workdir}
            base.miscs_update_idxs_vals([misc], {"x": [tid]}, {"x": [tid / 4]})
            docs += trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
        return docs

    trials = hpo.Trials()
    hpo.fmin(lambda x: x, hp.uniform("x", 0, 1), grid, 4, trials=trials, rstate=0, verbose=False)
    assert trials.losses() == [0.0, 0.25, 0.5, 0.75]
    assert [call[:2] for call in calls] == [([tid], tid) for tid in range(4)]
    assert len({seed for _, _, seed in calls}) == 4


def test_values_of_an_unknown_trial_are_rejected_unless_allowed() -> None:
    misc = {"tid": 1}
    with pytest.raises(ValueError, match="'x' has a value for the unknown trial 2"):
        base.miscs_update_idxs_vals([misc], {"x": [2]}, {"x": [0.5]})
    base.miscs_update_idxs_vals([misc], {"x": [2]}, {"x": [0.5]}, assert_all_vals_used=False)
    assert misc["vals"] == {"x": []}
    base.miscs_update_idxs_vals([misc], {"x": [2]}, {"x": [0.5]}, idxs_map={2: 1})
    assert misc["vals"] == {"x": [0.5]}


def test_gamma_selects_hyperopts_rule_for_good_trials() -> None:
    trials = hpo.Trials()
    keywords = {"trials": trials, "max_evals": 25, "rstate": 0, "verbose": False}
    hpo.fmin(lambda x: (x - 0.3) ** 2, hp.uniform("x", 0, 1), rand.suggest, **keywords)
    domain = hpo.Domain(None, hp.uniform("x", 0, 1))
    three = tpe.suggest([25], domain, trials, 0)  # a tenth of 25
    assert tpe.suggest([25], domain, trials, 0, gamma=0.6) == three  # 0.6 times the root of 25
    assert tpe.suggest([25], domain, trials, 0, gamma=0.2) != three  # 1


def test_the_cache_of_a_domain_does_not_change_suggestions() -> None:
    """The cached suggester returns the same points as that of a new domain."""
    kept, trials = hpo.Domain(None, SPACE), hpo.Trials()
    for n in (20, 21, 45, 46, 200):
        while len(trials.trials) < n:
            docs = rand.suggest(trials.new_trial_ids(1), kept, trials, n + len(trials.trials))
            docs[0].update(state=base.JOB_STATE_DONE, result={"status": "ok", "loss": len(trials.trials) % 7})
            trials.insert_trial_docs(docs)
            trials.refresh()
        for options in ({}, {"gamma": 0.25}):
            asked = [
                tpe.suggest([n], domain, trials, 1, **options) for domain in (kept, hpo.Domain(None, SPACE))
            ]
            assert asked[0] == asked[1]
    options = TPEOptions()  # type: ignore[assignment]
    assert kept.suggester(TPE, options) is kept.suggester(TPE, TPEOptions())
    assert kept.suggester(TPE, options) is not kept.suggester(TPE, TPEOptions(n_startup=3))


def test_mix_calls_each_algorithm_with_its_probability() -> None:
    def named(name: str) -> Any:
        return lambda new_ids, domain, trials, seed: [name]

    parts = [(0.2, named("a")), (0.8, named("b"))]
    taken = [mix.suggest([0], None, None, seed, p_suggest=parts)[0] for seed in range(400)]
    assert taken.count("a") / 400 == pytest.approx(0.2, abs=0.06)
    with pytest.raises(ValueError, match="must add up to 1"):
        mix.suggest([0], None, None, 0, p_suggest=[(0.5, named("a"))])


def test_a_failed_trial_never_counts_as_good() -> None:
    space = Space(hp.uniform("x", 0, 1))
    misc = {"tid": 0, "cmd": None, "idxs": {"x": [0]}, "vals": {"x": [0.5]}}
    doc = hpo.Trials().new_trial_docs([0], [None], [{"status": "fail", "loss": -100.0}], [misc])[0]
    history, _ = HistoryReader(space).read([{**doc, "state": base.JOB_STATE_DONE}])
    assert np.isnan(history.losses).tolist() == [True]


def test_a_history_reader_adds_each_trial_once_in_order_of_completion() -> None:
    space = Space(hp.uniform("x", 0, 1))
    docs = []
    for tid in range(4):
        misc = {"tid": tid, "cmd": None, "idxs": {"x": [tid]}, "vals": {"x": [tid / 10]}}
        docs += hpo.Trials().new_trial_docs([tid], [None], [{"status": "new"}], [misc])
    reader = HistoryReader(space)
    for order, n_pending in ((2, 3), (1, 2), (0, 1), (3, 0)):
        docs[order]["state"] = base.JOB_STATE_DONE
        docs[order]["result"] = {"status": "ok", "loss": float(order)}
        for _ in range(2):
            history, pending = reader.read(docs)
            assert len(pending) == n_pending
    assert history.losses.tolist() == [2, 1, 0, 3]
    assert history.values[:, 0].tolist() == [0.2, 0.1, 0.0, 0.3]
    assert len(reader.read(docs[1:])[0]) == 3  # other documents are read from the start
    assert reader.read(docs[::-1][:3])[0].losses.tolist() == [3, 2, 1]


@pytest.mark.parametrize(("value", "n"), [(0.35, 1), (7.0, 1), ("a", None)])
def test_values_off_the_grid_are_moved_to_it(value: float | str, n: int | None) -> None:
    space = Space({"q": hp.quniform("q", 0, 1, 0.1), "c": hp.choice("c", ["a", "b"])})
    vals = {"q": [value], "c": [1]} if n else {"q": [0.1], "c": [5]}
    misc = {"tid": 0, "cmd": None, "idxs": {}, "vals": vals}
    doc = hpo.Trials().new_trial_docs([0], [None], [{"status": "ok", "loss": 1.0}], [misc])[0]
    history, _ = HistoryReader(space).read([{**doc, "state": base.JOB_STATE_DONE}])
    assert len(history) == (n or 0)
    for row in history.values:
        space.validate(dict(zip((p.label for p in space.parameters), row, strict=True)))


def test_a_domain_reloads_its_history_for_other_trials() -> None:
    domain, first = hpo.Domain(lambda x: x, hp.uniform("x", 0, 1)), hpo.Trials()
    first.insert_trial_docs(rand.suggest([0, 1], domain, first, 0))
    first._dynamic_trials[1] |= {"state": base.JOB_STATE_DONE, "result": {"status": "ok", "loss": 1.0}}
    first.refresh()
    assert len(domain.observed(first)[0]) == 1
    assert len(domain.observed(hpo.Trials())[0]) == 0


def test_evaluate_async_works_in_two_steps() -> None:
    trials = hpo.Trials()
    domain = hpo.Domain(lambda x: {"loss": x, "status": "ok", "attachments": {"a": 1}}, hp.uniform("x", 0, 1))
    ctrl = base.Ctrl(trials, current_trial={"tid": 5})
    returned = domain.evaluate_async({"x": 0.5}, ctrl)
    assert domain.evaluate_async2(returned, ctrl) == {"loss": 0.5, "status": "ok"}
    assert trials.attachments == {"ATTACH::5::a": 1}
    assert "attachments" in domain.evaluate({"x": 0.5}, ctrl, attach_attachments=False)
    with pytest.raises(TypeError, match="without an objective"):
        hpo.Domain(None, 1).evaluate({}, ctrl)
