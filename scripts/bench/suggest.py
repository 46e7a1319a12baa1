"""CPU milliseconds of one suggestion after a number of finished trials: our TPE, and its peers'.

    python scripts/bench/suggest.py [--params 10 50] [--trials 100 1000 10000 100000] [--rounds 3]
                                    [--peers hyperopt optuna rustuna] [--max-peer-trials 10000]
                                    [--search-trials 1000] [--only-search]

The space mixes uniform, loguniform, quniform, uniformint, normal and choice, some of them below a choice.
Finished trials are random draws. Then the algorithm suggests points and receives their losses one by one; the
table shows the median, which includes the updates between two suggestions. Each package runs in a separate
process with one thread, in turn, for several rounds. Times depend on what else the machine does, ratios
less: those in brackets are the medians over the rounds of our time divided by the peer's, and in the
last lines of one of our times divided by another. "batch" is our time per point for 32 points at once,
"memory" the peak of our process, interpreter included.

The last lines show ``auto``, whose turns differ, as the mean of a whole search, beside Optuna's TPE over as
many trials: with the first number of parameters above, and with 101 labels, of which a choice among ten
families of parameters activates about ten. Peers that are not installed are left out; the extra ``bench`` has
them.
"""

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

#: Kinds of parameters, repeated in this order; a branch adds one that only one of its options has.
KINDS = (
    "uniform",
    "loguniform",
    "quniform",
    "uniformint",
    "normal",
    "choice",
    "branch",
    "uniform",
    "log int",
)
BATCH = 32
#: Families of a space with 101 labels; each has all of ``KINDS``.
FAMILIES = 10
N_LABELS = 1 + FAMILIES * 10


def kinds_of(n_params: int) -> list[str]:
    """Return the kinds of a space with ``n_params`` parameters, including those below branches."""
    if n_params == N_LABELS:
        return ["families"]
    kinds: list[str] = []
    while sum(2 if kind == "branch" else 1 for kind in kinds) < n_params:
        kinds.append(KINDS[len(kinds) % len(KINDS)])
    return kinds


def hyperopt_space(hp: Any, kinds: Sequence[str], prefix: str = "p") -> dict[str, Any]:
    make: dict[str, Callable[[str], Any]] = {
        "uniform": lambda label: hp.uniform(label, -2, 3),
        "loguniform": lambda label: hp.loguniform(label, -7, 0),
        "quniform": lambda label: hp.quniform(label, 0, 10, 1),
        "uniformint": lambda label: hp.uniformint(label, 1, 32),
        "normal": lambda label: hp.normal(label, 0, 2),
        "choice": lambda label: hp.choice(label, ["a", "b", "c"]),
        "branch": lambda label: hp.choice(label, [0, hp.uniform(label + "x", 0, 1)]),
        "log int": lambda label: hp.qloguniform(label, 0, 6, 1),
        "families": lambda label: hp.choice(
            label, [hyperopt_space(hp, KINDS, f"{label}_{i}_") for i in range(FAMILIES)]
        ),
    }
    return {f"{prefix}{i}": make[kind](f"{prefix}{i}") for i, kind in enumerate(kinds)}


def suggest_all(trial: Any, kinds: Sequence[str], prefix: str = "p") -> float:
    """Ask a trial of Optuna's interface for every parameter; return a loss."""
    loss = 0.0
    for i, kind in enumerate(kinds):
        name = f"{prefix}{i}"
        match kind:
            case "uniform":
                loss += abs(trial.suggest_float(name, -2, 3))
            case "loguniform":
                loss += trial.suggest_float(name, 1e-3, 1, log=True)
            case "quniform":
                loss += trial.suggest_float(name, 0, 10, step=1) / 10
            case "uniformint":
                loss += trial.suggest_int(name, 1, 32) / 32
            case "normal":  # no peer but Hyperopt has it: three deviations to either side
                loss += abs(trial.suggest_float(name, -6, 6))
            case "choice":
                loss += trial.suggest_categorical(name, ["a", "b", "c"]) == "a"
            case "branch":
                if trial.suggest_categorical(name, ["without", "with"]) == "with":
                    loss += trial.suggest_float(name + "x", 0, 1)
            case "log int":
                loss += trial.suggest_int(name, 1, 403, log=True) / 403
            case "families":
                family = trial.suggest_categorical(name, list(range(FAMILIES)))
                loss += suggest_all(trial, KINDS, f"{name}_{family}_")
    return loss


class OurSearch:
    """Gets suggestions from one of our algorithms and reports their losses."""

    def __init__(self, algorithm: str, kinds: list[str]) -> None:
        from hpsearch import hp
        from hpsearch.core.experiment import Algorithm
        from hpsearch.core.history import History
        from hpsearch.space.tree import Space
        from hpsearch.suggest.algorithms import make_suggester

        self.space = Space(hyperopt_space(hp, kinds))
        self.history = History(self.space)
        self.suggester = make_suggester(Algorithm(name=algorithm), self.space)

    def ask(self) -> Mapping[str, float]:
        """Return the next point."""
        from hpsearch.suggest.protocol import trial_rng

        return self.suggester.suggest(self.history, [], [trial_rng(0, len(self.history))])[0].values

    def tell(self, values: Mapping[str, float]) -> None:
        """Report the loss of a point."""
        from hpsearch.core.trial import State, Trial

        loss = sum(abs(value) for value in values.values())
        done = Trial(exp_key="", tid=len(self.history), values=values, state=State.DONE, loss=loss)
        self.history.add(done)


def run_hpsearch(kinds: list[str], n: int, repeat: int) -> dict[str, float]:
    import numpy as np

    from hpsearch.suggest.protocol import trial_rng

    search, rng = OurSearch("tpe", kinds), np.random.default_rng(0)
    for _ in range(n):
        search.tell(search.space.sample(rng))
    single = median_ms(search.ask, search.tell, repeat)
    batch = [[trial_rng(1, BATCH * i + j) for j in range(BATCH)] for i in range(max(3, repeat // 10))]
    starts = [time.process_time()]
    for rngs in batch:
        search.suggester.suggest(search.history, [], rngs)
        starts.append(time.process_time())
    spent = [after - before for before, after in pairwise(starts)]
    return {"ms": single, "batch": 1e3 * statistics.median(spent) / BATCH}


def run_auto(kinds: list[str], n: int, repeat: int) -> dict[str, float]:
    """Measure a whole search of ``n`` trials, since its turns differ in cost."""
    search = OurSearch("auto", kinds)
    return {"ms": mean_ms(search.ask, search.tell, n)}


def run_hyperopt(kinds: list[str], n: int, repeat: int) -> dict[str, float]:
    from hyperopt import Trials, hp, rand, tpe
    from hyperopt.base import JOB_STATE_DONE, Domain

    trials, domain = Trials(), Domain(lambda config: 0.0, hyperopt_space(hp, kinds))

    def tell(docs: list[Any]) -> None:
        for doc in docs:
            loss = sum(abs(v) for values in doc["misc"]["vals"].values() for v in values)
            doc["state"], doc["result"] = JOB_STATE_DONE, {"status": "ok", "loss": float(loss)}
        trials.insert_trial_docs(docs)
        trials.refresh()

    def ask() -> list[Any]:
        return list(tpe.suggest(trials.new_trial_ids(1), domain, trials, len(trials)))

    tell(rand.suggest(trials.new_trial_ids(n), domain, trials, 0))
    return {"ms": median_ms(ask, tell, repeat)}


def run_dropin(kinds: list[str], n: int, repeat: int) -> dict[str, float]:
    import hpsearch.hyperopt

    hpsearch.hyperopt.install()
    return run_hyperopt(kinds, n, repeat)


def run_optuna(kinds: list[str], n: int, repeat: int) -> dict[str, float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=n)
    return run_study(optuna.create_study(sampler=sampler), kinds, n, repeat)


def run_optuna_search(kinds: list[str], n: int, repeat: int) -> dict[str, float]:
    """Measure a whole search of ``n`` trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))

    def ask() -> tuple[int, float]:
        trial = study.ask()
        return trial.number, suggest_all(trial, kinds)

    return {"ms": mean_ms(ask, lambda trial_and_loss: study.tell(*trial_and_loss), n)}


def run_rustuna(kinds: list[str], n: int, repeat: int) -> dict[str, float]:
    import rustuna

    sampler = rustuna.samplers.TPESampler(seed=0, n_startup_trials=n)
    return run_study(rustuna.create_study(sampler=sampler), kinds, n, repeat)


def run_study(study: Any, kinds: list[str], n: int, repeat: int) -> dict[str, float]:
    """Measure a package with Optuna's interface, whose sampler draws the first ``n`` at random."""

    def ask() -> tuple[int, float]:
        trial = study.ask()
        return trial.number, suggest_all(trial, kinds)

    for _ in range(n):
        study.tell(*ask())
    return {"ms": median_ms(ask, lambda trial_and_loss: study.tell(*trial_and_loss), repeat)}


def median_ms(ask: Callable[[], Any], tell: Callable[[Any], Any], repeat: int) -> float:
    """Return the median CPU milliseconds of ``ask``; the first call warms up."""
    tell(ask())
    spent = []
    for _ in range(repeat):
        started = time.process_time()
        asked = ask()
        spent.append(time.process_time() - started)
        tell(asked)
    return 1e3 * statistics.median(spent)


def mean_ms(ask: Callable[[], Any], tell: Callable[[Any], Any], n: int) -> float:
    """Return the mean CPU milliseconds of ``n`` calls of ``ask``."""
    spent_s = 0.0
    for _ in range(n):
        started = time.process_time()
        asked = ask()
        spent_s += time.process_time() - started
        tell(asked)
    return 1e3 * spent_s / n


#: Our TPE, and the same as Hyperopt's programs reach it.
OURS = ("hpsearch", "hpsearch.hyperopt")

RUNS = {
    "hpsearch": run_hpsearch,
    "auto": run_auto,
    "hpsearch.hyperopt": run_dropin,
    "hyperopt": run_hyperopt,
    "optuna": run_optuna,
    "optuna search": run_optuna_search,
    "rustuna": run_rustuna,
}


def child(package: str, n_params: int, n: int, repeat: int) -> None:
    measured = RUNS[package](kinds_of(n_params), n, repeat)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**measured, "memory": megabytes}))


def measure(package: str, n_params: int, n: int, repeat: int) -> dict[str, float]:
    """Return the measurements of a new process."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        __file__,
        "--child",
        package,
        str(n_params),
        str(n),
        str(repeat),
    ]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **one_thread}
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def measure_in_turn(
    packages: Sequence[str], n_params: int, n: int, repeat: int, rounds: int, peer_repeat: int
) -> dict[str, list[dict[str, float]]]:
    """Return the measurements of each package in each round."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in packages}
    for _ in range(rounds):
        for name in packages:
            is_ours = name in OURS
            found[name].append(measure(name, n_params, n, repeat if is_ours else peer_repeat))
    return found


def ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> float:
    """Return the median over rounds of our time divided by the other."""
    return statistics.median(a["ms"] / b["ms"] for a, b in zip(ours, theirs, strict=True))


def middle(rounds: list[dict[str, float]], key: str = "ms") -> float:
    """Return the median of a measurement over rounds."""
    return statistics.median(measured[key] for measured in rounds)


def compare_suggestions(options: argparse.Namespace, peers: list[str]) -> None:
    """Print the table of single suggestions, and its ratios."""
    names = [*OURS, *peers]
    print("params  trials  " + "".join(f"{name:>20}" for name in names) + "     batch    memory")
    lines = []
    for n_params in options.params:
        flat = {}
        for n in options.trials:
            asked = [name for name in names if name in OURS or n <= options.max_peer_trials]
            found = measure_in_turn(
                asked, n_params, n, options.repeat, options.rounds, max(10, options.repeat // 10)
            )
            ours, dropin = flat[n] = found[OURS[0]], found[OURS[1]]
            cells = ""
            for name in names:
                if name not in found:
                    cells += " " * 20
                    continue
                share = f" ({ratio(ours, found[name]):.2f})" if name in peers else ""
                cells += f"{middle(found[name]):.2f} ms{share}".rjust(20)
            batch, memory = middle(ours, "batch"), middle(ours, "memory")
            print(f"{n_params:6d} {n:7d}  {cells} {batch:6.2f} ms {memory:6.0f} MB", flush=True)
            compared = ", ".join(
                f"{ratio(dropin, found[name]):.2f} of {name}" for name in asked if name != OURS[1]
            )
            lines.append(f"{OURS[1]}, {n_params} parameters, {n} trials: {compared}")
        least, most = min(flat), max(flat)
        for i, name in enumerate(OURS):
            growth = ratio(flat[most][i], flat[least][i])
            lines.append(f"{name}, {n_params} parameters: {most} trials take {growth:.2f} of {least} trials")
    print(*lines, sep="\n")


def compare_searches(options: argparse.Namespace, peers: list[str]) -> None:
    """Print the mean times of whole searches."""
    n, names = options.search_trials, ["auto", *(["optuna search"] if "optuna" in peers else [])]
    for n_params in (options.params[0], N_LABELS):
        found = measure_in_turn(names, n_params, n, 1, 1, 1)
        text = f"auto, {n_params} parameters: {middle(found['auto']):.2f} ms, mean of {n} trials"
        for name in names[1:]:
            text += f"; Optuna's TPE {middle(found[name]):.2f} ms ({ratio(found['auto'], found[name]):.2f})"
        print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--params", nargs="+", type=int, default=[10, 50], help="sizes of the space")
    parser.add_argument("--trials", nargs="+", type=int, default=[100, 1000, 10_000, 100_000])
    parser.add_argument("--peers", nargs="*", default=["hyperopt", "optuna", "rustuna"])
    parser.add_argument("--max-peer-trials", type=int, default=10_000, help="peers are not asked after more")
    parser.add_argument("--repeat", type=int, default=100, help="our suggestions; of a peer a tenth")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each package")
    parser.add_argument("--search-trials", type=int, default=1000, help="of the whole searches; 0: none")
    parser.add_argument("--only-search", action="store_true", help="only the whole searches")
    parser.add_argument("--child", nargs=4, metavar="X", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], *map(int, options.child[1:]))
        return
    peers = [peer for peer in options.peers if importlib.util.find_spec(peer)]
    for missing in sorted({*options.peers} - {*peers}):
        print(f"{missing} is left out, since it is not installed: install hpsearch[bench].")
    if not options.only_search:
        compare_suggestions(options, peers)
    if options.search_trials:
        compare_searches(options, peers)


if __name__ == "__main__":
    main()
