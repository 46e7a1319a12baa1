// Helpers to look at searches in the Mongo shell; they only read.
//
//     mongosh "$HPSEARCH_STORE" --shell scripts/hpsearch.mongosh.js
//
// or, in a shell that is already open: load("scripts/hpsearch.mongosh.js"). Begin with hp.help().

globalThis.hp = (() => {
  const HELP = `\
hp.searches()             the 20 newest searches
hp.status("cifar")        state, number of trials in each state, best trial, workers
hp.best("cifar")          the best trial; hp.best("cifar").params are its parameters
hp.top("cifar", 10)       the ten best trials
hp.front("cifar")         of several objectives, the trials that no other trial beats in all of them
hp.failures("cifar")      why trials failed, the most frequent reason first
hp.running("cifar")       the trials under evaluation, the longest first
hp.workers()              the workers that are alive, and what each evaluates
hp.trial("cifar", 17)     the whole document of a trial
hp.watch("cifar")         print a line whenever something changes, until the search ends or Ctrl-C

Without a name, each of them takes the newest search. Views to query yourself: db.searches, db.best,
db.failures, db.in_progress and db.fleet, such as db.best.find({search: "cifar"}).limit(5).`;

  const GOOD = {state: "done", invalid: null, feasible: {$ne: false}};
  const DONE = {...GOOD, loss: {$gte: -Infinity}};  // NaN sorts below every number
  const RUNNING = {state: "running", owner: {$type: "string"}};  // the condition on the owner selects an index
  const STATES = ["pending", "running", "done", "failed", "pruned", "cancelled"];
  const FINISHED = ["done", "failed", "pruned"];

  // Return the experiment of a name, or the newest one.
  function experiment(key) {
    const fields = {state: 1, ended_why: 1, goal: 1, outcomes: 1, budget: 1, coordinator: 1, created_at: 1};
    if (key !== undefined) {
      const found = db.experiments.findOne({_id: key}, fields);
      if (found !== null) return found;
    }
    const newest = db.experiments.find({}, fields).sort({created_at: -1}).limit(20).toArray();
    if (key === undefined && newest.length > 0) return newest[0];
    const names = newest.map((one) => one._id).join(", ") || "none";
    const missing = key === undefined ? "no search" : `no search named ${JSON.stringify(key)}`;
    throw new Error(`There is ${missing} in the database ${db.getName()}; the newest are: ${names}.`);
  }

  function counts(key) {
    const groups = db.trials.aggregate([{$match: {exp_key: key}}, {$sortByCount: "$state"}]).toArray();
    const found = Object.fromEntries(groups.map((group) => [group._id, group.count]));
    return Object.fromEntries(STATES.filter((state) => found[state]).map((state) => [state, found[state]]));
  }

  // Return what a search makes low or high under the name and with the sign that its user knows.
  function goal(experiment, loss) {
    const {metric, maximize} = experiment.goal || {};
    return {[metric || (maximize ? "value" : "loss")]: maximize ? 0 - loss : loss};
  }

  function ranked(experiment, n) {
    const key = experiment._id;
    const fields = {tid: 1, loss: 1, params: 1, "worker.name": 1, duration_s: 1};
    const found = db.trials.find({exp_key: key, ...DONE}, fields).sort({loss: 1, tid: 1}).limit(n).toArray();
    return found.map(({tid, loss, params, worker, duration_s}) => (
      {trial: tid, ...goal(experiment, loss), params, worker: worker && worker.name, duration_s}
    ));
  }

  function seconds(since, now) {
    return since ? Math.round((now - since) / 100) / 10 : null;
  }

  // The server's clock, by which all dates are written.
  function serverTime() {
    return db.hello().localTime;
  }

  function aliveWorkers(key, now) {
    const serves = key === undefined ? {} : {$or: [{exp_keys: key}, {exp_keys: []}]};
    return db.workers.find({expire_at: {$gt: now}, ...serves}).sort({_id: 1}).toArray();
  }

  function help() {
    print(HELP);
  }

  function searches(n = 20) {
    return db.experiments.find({}, {_id: 0, search: "$_id", state: 1, ended_why: 1, created_at: 1})
      .sort({created_at: -1}).limit(n).toArray();
  }

  function status(key) {
    const found = experiment(key);
    const now = serverTime();
    const n = counts(found._id);
    const best = ranked(found, 1)[0];
    const until = found.coordinator && found.coordinator.lease_until;
    return {
      search: found._id,
      state: found.state,
      ...(found.ended_why ? {ended_why: found.ended_why} : {}),
      trials: n,
      max_evals: (found.budget && found.budget.max_evals) || null,
      best: best ? Object.fromEntries(Object.entries(best).slice(0, 3)) : null,
      has_coordinator: Boolean(until && until > now),
      n_workers: aliveWorkers(found._id, now).length,
    };
  }

  function top(key, n = 10) {
    return ranked(experiment(key), n);
  }

  function best(key) {
    const found = experiment(key);
    const first = ranked(found, 1)[0];
    if (first) return first;
    print(`No trial of ${found._id} has a loss yet.`);
    return null;
  }

  // Return 1 and -1 by name, for objectives such as "error:min" and "accuracy:max".
  function signs(experiment) {
    const texts = (experiment.outcomes && experiment.outcomes.objectives) || [];
    return texts.map((text) => [text.slice(0, -4), text.endsWith(":max") ? -1 : 1]);
  }

  // Sorted by the first objective, no later trial beats an earlier one.
  function front(key) {
    const found = experiment(key);
    const objectives = signs(found);
    const fields = {tid: 1, losses: 1, params: 1};
    const trials = db.trials.find({exp_key: found._id, ...GOOD, losses: {$exists: true}}, fields).toArray();
    const rows = trials
      .map((trial) => [trial, objectives.map(([name, sign]) => sign * trial.losses[name])])
      .filter(([, losses]) => losses.every((loss) => loss < Infinity))
      .sort(([, a], [, b]) => a.map((loss, i) => loss - b[i]).find((difference) => difference) || 0);
    const kept = [];
    for (const [trial, losses] of rows) {
      const beats = ([, other]) => other.every((loss, i) => loss <= losses[i])
        && other.some((loss, i) => loss < losses[i]);
      if (!kept.some(beats)) kept.push([trial, losses]);
    }
    return kept.map(([{tid, losses, params}]) => ({trial: tid, ...losses, params}));
  }

  function failures(key) {
    const reason = {$ifNull: ["$error.type", {$ifNull: ["$error.signal", {$ifNull: ["$error.kind", "unknown"]}]}]};
    return db.trials.aggregate([
      {$match: {exp_key: experiment(key)._id, state: "failed"}},
      {$group: {
        _id: reason, n: {$sum: 1}, kind: {$first: "$error.kind"}, hosts: {$addToSet: "$worker.host"},
        example: {$first: "$tid"}, message: {$first: "$error.message"},
      }},
      {$sort: {n: -1, _id: 1}},
    ]).toArray().map(({_id, ...group}) => ({reason: _id, ...group}));
  }

  function running(key) {
    const now = serverTime();
    const found = db.trials.find({exp_key: experiment(key)._id, ...RUNNING}).sort({claimed_at: 1}).toArray();
    return found.map((trial) => ({
      trial: trial.tid,
      worker: trial.worker && trial.worker.name,
      running_s: seconds(trial.claimed_at, now),
      lease_left_s: seconds(now, trial.lease_until),
      params: trial.params,
      ...(trial.reports && trial.reports.length ? {last_report: trial.reports.at(-1)} : {}),
    }));
  }

  function workers() {
    const now = serverTime();
    const alive = aliveWorkers(undefined, now);
    const held = db.trials.find(RUNNING, {"worker.name": 1}).toArray();
    return alive.map((worker) => ({
      worker: worker._id,
      host: worker.host,
      state: worker.state,
      searches: worker.exp_keys && worker.exp_keys.length ? worker.exp_keys : "all",
      running: held.filter((trial) => trial.worker && trial.worker.name === worker._id).map((trial) => trial._id),
      n_done: worker.n_done,
      n_failed: worker.n_failed,
      seen_s_ago: seconds(worker.seen_at, now),
    }));
  }

  function trial(key, tid) {
    const found = db.trials.findOne({exp_key: experiment(key)._id, tid: tid});
    if (found === null) throw new Error(`There is no trial ${tid} in ${key}.`);
    return found;
  }

  function line(now) {
    const of = now.max_evals ? `/${now.max_evals}` : "";
    const finished = FINISHED.reduce((sum, state) => sum + (now.trials[state] || 0), 0);
    const text = Object.entries(now.trials).map(([state, n]) => `${n} ${state}`).join(", ");
    const [name, value] = now.best ? Object.entries(now.best)[1] : [];
    const best = now.best ? `best ${name} ${value} (trial ${now.best.trial})` : "no loss yet";
    const workers = now.n_workers === 1 ? "1 worker" : `${now.n_workers} workers`;
    const state = now.state === "running" ? "" : `; ${now.state}`;
    return `${now.search}: ${finished}${of} finished: ${text || "no trials"}; ${best}; ${workers}${state}`;
  }

  function watch(key, every_s = 2) {
    const name = experiment(key)._id;
    let last = null;
    for (;;) {
      const now = status(name);
      const text = line(now);
      if (text !== last) print(text);
      last = text;
      if (now.state === "done" || now.state === "stopped") return;
      sleep(1000 * every_s);
    }
  }

  return {help, searches, status, best, top, front, failures, running, workers, trial, watch};
})();
