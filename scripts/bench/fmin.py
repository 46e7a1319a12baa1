"""CPU seconds of ``fmin`` with random search and an objective that costs nothing: ours, and Hyperopt's.

    python scripts/bench/fmin.py [--evals 1000 3000] [--hyperopt PYTHON]

What is left is the driver and the random suggestion. Each measurement runs in a process of its
own, the packages in turn, and the least of some repetitions counts; it takes CPU time, so that
a busy machine changes little. PYTHON is one that has Hyperopt 0.3.0 (this one by default).
"""

import argparse
import json
import subprocess
import sys

CHILD = """
import json, sys, time
import numpy as np
if {ours}:
    import hpsearch.hyperopt
    hpsearch.hyperopt.install()
from hyperopt import Trials, fmin, hp, rand
space = {{
    "a": hp.uniform("a", 0, 1),
    "b": hp.loguniform("b", -5, 0),
    "c": hp.quniform("c", 0, 10, 1),
    "d": hp.choice("d", ["x", {{"e": hp.normal("e", 0, 1)}}]),
}}
seconds = []
for n in {sizes}:
    started = time.process_time()
    rng = np.random.default_rng(0)
    fmin(lambda c: c["a"], space, rand.suggest, n, trials=Trials(), rstate=rng, verbose=False)
    seconds.append(time.process_time() - started)
print(json.dumps(seconds))
"""


def measure(python: str, sizes: list[int], is_ours: bool) -> list[float]:
    """Return the CPU seconds of one search of each size, in a fresh process."""
    code = CHILD.format(ours=is_ours, sizes=sizes)
    done = subprocess.run([python, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    return [float(seconds) for seconds in json.loads(done.stdout)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--evals", nargs="+", type=int, default=[1000, 3000], help="evaluations of each search"
    )
    parser.add_argument("--hyperopt", default=sys.executable, metavar="PYTHON", help="a Python with Hyperopt")
    parser.add_argument("--repeat", type=int, default=2, help="processes for each package")
    options = parser.parse_args()
    runs: dict[bool, list[list[float]]] = {True: [], False: []}
    for _ in range(options.repeat):
        for is_ours, python in ((True, sys.executable), (False, options.hyperopt)):
            runs[is_ours].append(measure(python, options.evals, is_ours))
    ours, theirs = ([min(column) for column in zip(*runs[key], strict=True)] for key in (True, False))
    print("evals    hpsearch    Hyperopt    ratio    hpsearch per trial")
    for n, mine, other in zip(options.evals, ours, theirs, strict=True):
        print(f"{n:5d} {mine:9.3f} s {other:9.3f} s   {mine / other:6.3f} {1e6 * mine / n:14.0f} us")


if __name__ == "__main__":
    main()
