"""Run a fleet under faults, and check that it keeps its promises.

    scripts/faults --seed 1 [--short | --minutes M | --trials N --faults N]

A replica set of three, a leading coordinator with a standby, and eight workers, two of them behind
a proxy, search objectives of which some raise, crash, exit, hang or run out of memory. Meanwhile
processes are killed and frozen, connections cut and commands refused, at random by the seed. At
the end the logs of the objective and the workers are compared with the database. Prints each
fault, a table, and every broken promise; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys

from tests.faults.campaign import Plan, Verdict, run
from tests.faults.injections import SHORT, Kind
from tests.faults.table import markdown, table

_TRIALS_PER_SEARCH, _TRIALS_OF_CROWD = 500, 50


def main() -> None:
    """Run one campaign."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0], usage="%(prog)s --seed N [--short | ...]"
    )
    parser.add_argument("--seed", type=int, required=True, help="of the faults and the searches")
    parser.add_argument("--short", action="store_true", help="a part of the faults, in about 90 s")
    parser.add_argument("--minutes", type=float, default=0.0, help="at least so long")
    parser.add_argument("--trials", type=int, default=3_000, help="at least so many, in searches of 500")
    parser.add_argument("--faults", type=int, default=200, help="at least so many")
    options = parser.parse_args()
    logging.getLogger("hpsearch").addHandler(logging.NullHandler())  # the campaign's calls meet faults, too
    signal.signal(
        signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum)
    )  # its processes end with the campaign
    verdict = run(_short(options.seed) if options.short else _long(options))
    _report(verdict)
    sys.exit(1 if verdict.broken else 0)


def _short(seed: int) -> Plan:
    return Plan(
        seed=seed,
        n_trials=150,
        n_faults=16,
        minutes=0,
        trials_per_search=150,
        trials_of_crowd=0,
        kinds=SHORT,
        mean_pause_s=3.0,
    )


def _long(options: argparse.Namespace) -> Plan:
    is_timed = options.minutes > 0
    return Plan(
        seed=options.seed,
        n_trials=0 if is_timed else options.trials,
        n_faults=0 if is_timed else options.faults,
        minutes=options.minutes,
        trials_per_search=_TRIALS_PER_SEARCH,
        trials_of_crowd=_TRIALS_OF_CROWD,
        kinds=frozenset(Kind),
        mean_pause_s=4.0,
    )


def _report(verdict: Verdict) -> None:
    evidence = verdict.evidence
    trials = [trial for search in evidence.searches for trial in search.trials]
    print()
    print(markdown(table(verdict.outcomes, trials, verdict.broken)))
    print()
    for reason in verdict.left_out:
        print(f"not possible here: {reason}")
    for broken in verdict.broken:
        print(f"BROKEN: {broken.promise}: {broken.trial or ''} {broken.text}")
    if verdict.logs is not None:
        print(f"logs: {verdict.logs}")
    finished = sum(trial["state"] in {"done", "failed", "pruned"} for trial in trials)
    print(
        f"{len(evidence.searches)} searches, {finished} trials, {len(evidence.calls)} calls, "
        f"{len(evidence.acknowledged)} acknowledged results, {len(evidence.ends)} processes ended, "
        f"{len(verdict.outcomes)} faults, {len(verdict.broken)} broken promises, {verdict.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
