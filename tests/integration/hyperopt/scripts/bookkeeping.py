"""Trials after a search: tables, JSON, files, continuing later."""

import copy
import datetime
import json
import os
import pickle
import tempfile

import numpy as np
import pandas as pd
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, rand, space_eval, tpe
from hyperopt.base import JOB_STATE_DONE, JOB_STATES, STATUS_STRINGS

space = {
    "lr": hp.loguniform("lr", np.log(1e-4), np.log(1e-1)),
    "batch_size": hp.choice("batch_size", [16, 32, 64]),
    "layers": hp.choice("layers", [{"n": 1}, {"n": 2, "dropout": hp.uniform("dropout", 0, 0.5)}]),
    "units": hp.quniform("units", 32, 256, 32),
    "hidden units (all)": hp.qloguniform("hidden units (all)", 1, 5, 1),
}
calls = []


def objective(params):
    calls.append(params)
    if params["batch_size"] == 64:
        return {"status": STATUS_FAIL, "params": params}
    return {
        "loss": params["lr"],
        "status": STATUS_OK,
        "eval_time": 0.5,
        "other_stuff": {"type": None, "value": [0, 1, 2]},
        "params": params,
        "n_calls": len(calls),
        "attachments": {"model": pickle.dumps(params["units"])},
    }


# continue from a file
path = os.path.join(tempfile.mkdtemp(), "my_model.hyperopt")
for day in range(3):
    try:
        trials = pickle.load(open(path, "rb"))
        max_trials = len(trials.trials) + 5
    except FileNotFoundError:
        trials, max_trials = Trials(), 5
    best = fmin(
        objective,
        space,
        algo=tpe.suggest,
        max_evals=max_trials,
        trials=trials,
        rstate=np.random.default_rng(day),
        verbose=False,
    )
    with open(path, "wb") as f:
        pickle.dump(trials, f)
    print(day, len(trials), len(calls), trials.tids)

# tables
df = pd.DataFrame(trials.results)
print(len(df), sorted(set(df["status"])), "loss" in df)
flat = pd.DataFrame({"loss": trials.losses(), "tid": trials.tids})
print(flat.sort_values("loss").iloc[0]["tid"] == trials.best_trial["tid"], flat["loss"].dtype)
values = pd.DataFrame([{k: v[0] if v else None for k, v in t["misc"]["vals"].items()} for t in trials.trials])
print(sorted(values.columns), len(values))
always = {k: v for k, v in trials.vals.items() if len(v) == len(trials)}
print(sorted(pd.DataFrame(always).columns))
unpacked = [{k: v[0] for k, v in t["misc"]["vals"].items() if v} for t in trials]
print([space_eval(space, u) == r["params"] for u, r in zip(unpacked, trials.results)] == [True] * 15)

# a trial
best_trial = sorted(
    (t for t in trials.trials if t["result"]["status"] == STATUS_OK), key=lambda t: t["result"]["loss"]
)[0]
print(best_trial["tid"] == trials.best_trial["tid"], best_trial["state"] == JOB_STATE_DONE)
for key in ("book_time", "refresh_time"):
    print(type(best_trial[key]) is datetime.datetime, best_trial[key].tzinfo)
print(best_trial["refresh_time"] >= best_trial["book_time"], best_trial["misc"]["workdir"])
print(sorted(best_trial["misc"]), sorted(best_trial["result"]), best_trial["misc"]["cmd"])
print({k: type(v).__name__ for k, v in trials.argmin.items() if k != "dropout"})
print(json.loads(json.dumps(trials.argmin)) == best == trials.argmin)
print(type(json.dumps(best_trial["misc"]["vals"])).__name__, type(json.dumps(trials.results[0])).__name__)
print(best_trial["result"]["other_stuff"], trials.best_trial["result"]["params"] == space_eval(space, best))
print(pickle.loads(trials.trial_attachments(best_trial)["model"]) == best_trial["result"]["params"]["units"])
print(
    sorted({k.split("::")[0] for k in trials.attachments}),
    len(trials.attachments) == sum(s == "ok" for s in trials.statuses()),
)

# several columns
idxs, vals = trials.idxs_vals
print(
    sorted(idxs) == sorted(vals) == sorted(trials.idxs) == sorted(trials.vals),
    [len(trials.miscs), len(trials.specs)],
)
print(
    [len(idxs[k]) == len(vals[k]) for k in sorted(vals)],
    set(map(type, vals["batch_size"])) <= {int, np.int64},
)
print(trials.average_best_error() == min(loss for loss in trials.losses() if loss is not None))
print(JOB_STATES, STATUS_STRINGS, trials.count_by_state_synced(JOB_STATE_DONE))

# copies
again, shallow = copy.deepcopy(trials), copy.copy(trials)
fmin(objective, space, rand.suggest, max_evals=17, trials=again, verbose=False)
print(len(trials), len(again), len(shallow), len(calls))
keyed = Trials(exp_key="mine")
fmin(lambda p: p["lr"], space, rand.suggest, max_evals=2, trials=keyed, verbose=False)
print({t["exp_key"] for t in keyed}, len(keyed.view(exp_key="other")), len(keyed.view(exp_key="mine")))
merged = Trials()
docs = [copy.deepcopy(t) for t in list(again)[:2] + list(trials)[2:5]]
merged.insert_trial_docs(docs)
merged.refresh()
print(merged.tids, len(merged.losses()))
