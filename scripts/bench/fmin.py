"""CPU seconds of ``fmin`` with random search and an objective that costs nothing: ours, and Hyperopt's.

    python scripts/bench/fmin.py [--evals 1000 3000] [--hyperopt PYTHON] [--rounds]

This measures the loop around the objective and random suggestions. Each measurement runs in its own process,
the packages in turn, and the least of some repetitions counts; CPU time changes little on a busy machine.
PYTHON is one that has Hyperopt 0.3.0 (this one by default). ``--rounds`` adds the same search by a
coordinator's rounds over the store in memory, without Hyperopt's documents.
"""

import argparse
import json
import subprocess
import sys

SPACE = """
import json, sys, time
import numpy as np
space = lambda hp: {
    "a": hp.uniform("a", 0, 1),
    "b": hp.loguniform("b", -5, 0),
    "c": hp.quniform("c", 0, 10, 1),
    "d": hp.choice("d", ["x", {"e": hp.normal("e", 0, 1)}]),
}
"""

FMIN = """
from hyperopt import Trials, fmin, hp, rand
def search(n):
    rng = np.random.default_rng(0)
    fmin(lambda c: c["a"], space(hp), rand.suggest, n, trials=Trials(), rstate=rng, verbose=False)
"""

ROUNDS = """
from hpsearch import hp
from hpsearch.coordination.coordinator import Coordinator
from hpsearch.core.experiment import Algorithm, Budget, Experiment, ObjectiveRef
from hpsearch.core.trial import Result
from hpsearch.core.worker import Worker
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
def search(n):
    store, searched = MemoryStore(), Space(space(hp))
    wanted = Experiment(
        exp_key="e", space=searched.to_json(), space_fingerprint=searched.fingerprint,
        objective=ObjectiveRef(kind="import", ref="m:f"), algorithm=Algorithm(name="random"),
        budget=Budget(max_evals=n),
    )
    coordinator = Coordinator(store, store.open_experiment(wanted), space=searched)
    worker, n_claims = Worker(name="w", host="h", pid=1, exp_keys=("e",)), 0
    coordinator.tick()
    while not coordinator.is_over():
        n_claims += 1
        trial = store.claim(worker, str(n_claims), ("e",))
        loss = searched.config(trial.values)["a"]
        store.finish(trial, Result(loss=loss, result={"loss": loss, "status": "ok"}))
        coordinator.tick()
"""

MEASURE = """
seconds = []
for n in {sizes}:
    started = time.process_time()
    search(n)
    seconds.append(time.process_time() - started)
print(json.dumps(seconds))
"""

INSTALL = "import hpsearch.hyperopt\nhpsearch.hyperopt.install()\n"


def measure(python: str, search: str, sizes: list[int]) -> list[float]:
    """Return the CPU seconds of one search of each size, in a fresh process."""
    code = SPACE + search + MEASURE.format(sizes=sizes)
    done = subprocess.run([python, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    return [float(seconds) for seconds in json.loads(done.stdout)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--evals", nargs="+", type=int, default=[1000, 3000], help="evaluations of each search"
    )
    parser.add_argument("--hyperopt", default=sys.executable, metavar="PYTHON", help="a Python with Hyperopt")
    parser.add_argument("--repeat", type=int, default=2, help="processes for each package")
    parser.add_argument("--rounds", action="store_true", help="also measure a coordinator's rounds in memory")
    options = parser.parse_args()
    searches = {"Hyperopt": (options.hyperopt, FMIN), "hpsearch": (sys.executable, INSTALL + FMIN)}
    if options.rounds:
        searches["rounds"] = (sys.executable, ROUNDS)
    runs: dict[str, list[list[float]]] = {name: [] for name in searches}
    for _ in range(options.repeat):
        for name, (python, search) in searches.items():
            runs[name].append(measure(python, search, options.evals))
    least = {name: [min(column) for column in zip(*rows, strict=True)] for name, rows in runs.items()}
    print("evals  search      CPU      of Hyperopt    per trial")
    for i, n in enumerate(options.evals):
        for name, seconds in least.items():
            ratio = seconds[i] / least["Hyperopt"][i]
            print(f"{n:5d}  {name:8s} {seconds[i]:7.3f} s {ratio:10.3f} {1e6 * seconds[i] / n:11.0f} us")


if __name__ == "__main__":
    main()
