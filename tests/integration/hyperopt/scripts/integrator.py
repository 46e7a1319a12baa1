"""The calls of libraries on trials, documents and algorithms."""

import numpy as np
from hyperopt import FMinIter, Trials, base, hp, rand, tpe, trials_from_docs
from hyperopt.base import (
    Ctrl,
    Domain,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_RUNNING,
    miscs_to_idxs_vals,
    spec_from_misc,
)
from hyperopt.exceptions import InvalidTrial

space = {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", {"k": hp.randint("k", 4)}])}
domain, trials = Domain(None, space), Trials()
print(
    trials.new_trial_ids(2),
    trials.new_trial_ids(1),
    trials.asynchronous,
    trials.aname({"tid": 3}, "a"),
    len(trials),
)
docs = rand.suggest([0, 1, 2], domain, trials, 1)
print(
    [doc["tid"] for doc in docs],
    docs[0]["state"],
    docs[0]["result"],
    docs[0]["misc"]["cmd"],
    docs[0]["book_time"],
)
print(
    all(doc["misc"]["idxs"]["k"] == ([doc["tid"]] if doc["misc"]["vals"]["c"] == [1] else []) for doc in docs)
)
print(trials.insert_trial_docs(docs), len(trials), len(trials._dynamic_trials))
trials.refresh()
print(
    len(trials),
    trials.count_by_state_synced(0),
    trials.count_by_state_unsynced([0, 1]),
    trials.losses(),
    trials.statuses(),
)
for doc, state in zip(trials._dynamic_trials, (JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_RUNNING)):
    doc["state"] = state
    doc["result"] = {"status": "ok", "loss": 1.0} if state == JOB_STATE_DONE else doc["result"]
print(trials.count_by_state_synced(JOB_STATE_DONE), len(trials))
trials.refresh()
print(trials.tids, trials.losses(), trials.best_trial["tid"])
print(sorted(spec_from_misc(docs[0]["misc"])) == sorted(trials.argmin))
print(miscs_to_idxs_vals([docs[0]["misc"]], keys=["x"])[0] == {"x": [0]})

misc = {"tid": 7, "cmd": domain.cmd, "workdir": domain.workdir}
base.miscs_update_idxs_vals([misc], {"x": [7], "c": [7], "k": []}, {"x": [0.5], "c": [0], "k": []})
print(misc["idxs"], misc["vals"])
(doc,) = trials.new_trial_docs([7], [None], [{"status": "ok", "loss": 0.5}], [misc])
doc["state"] = JOB_STATE_DONE
print(trials.insert_trial_doc(doc), trials.refresh(), trials.argmin, sorted(doc))
ctrl = Ctrl(trials, current_trial=doc)
ctrl.attachments["blob"] = b"1"
print(trials.attachments, trials.trial_attachments(doc)["blob"])
print(len(trials_from_docs(trials.trials)), len(trials.view(exp_key=None)), list(map(int, trials.idxs["x"])))
for change in ("state", "misc", "tid"):
    try:
        trials.insert_trial_doc({key: value for key, value in doc.items() if key != change})
    except InvalidTrial as error:
        print(type(error).__mro__[1].__name__, hasattr(error, "obj"))
for wrong in (lambda: trials[0], lambda: Trials().argmin, lambda: Trials().vals):
    try:
        wrong()
    except Exception as error:
        print(type(error).__name__)
trials.delete_all()
print(len(trials), trials.attachments)

rounds = FMinIter(
    tpe.suggest,
    Domain(lambda c: c["x"], space),
    Trials(),
    rstate=np.random.default_rng(0),
    max_evals=4,
    verbose=0,
)
print(
    rounds.asynchronous,
    rounds.catch_eval_exceptions,
    len(next(rounds).trials if hasattr(next(rounds), "trials") else rounds.trials),
)
rounds.exhaust()
print(len(rounds.trials), base.JOB_STATES, base.STATUS_STRINGS, base.TRIAL_KEYS, base.TRIAL_MISC_KEYS)
print(
    tpe.suggest(new_ids=["text"], domain=domain, trials=Trials(), seed=np.int64(3))[0]["misc"]["idxs"]["x"]
    == ["text"]
)
