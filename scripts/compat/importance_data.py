"""Write Optuna's PED-ANOVA scores of four studies: ``python scripts/compat/importance_data.py FILE``.

Needs Optuna 5, in a separate environment. The file is test data of ``hpsearch.report.numbers.good_trials``.
Values have six digits, and the scores are those of the rounded trials.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.importance import PedAnovaImportanceEvaluator

Objective = Callable[[Any], float]


def flat(trial: Any) -> float:
    x, lr = trial.suggest_float("x", -2, 3), trial.suggest_float("lr", 1e-5, 1, log=True)
    k, n = trial.suggest_categorical("k", ["a", "b", "c"]), trial.suggest_int("n", 1, 8)
    q = trial.suggest_float("q", 0, 10, step=0.5)
    return float((x - 1) ** 2 + math.log(lr / 0.01) ** 2 / 9 + "abc".index(k) / 2 + abs(n - 4) / 9 + q / 90)


def conditional(trial: Any) -> float:
    m = trial.suggest_categorical("m", ["svm", "mlp"])
    drop = trial.suggest_float("drop", 0, 0.5)
    if m == "svm":
        c = trial.suggest_float("C", 1e-3, 1e3, log=True)
        return float(0.5 + math.log10(c) ** 2 / 40 + drop / 5)
    lr, layers = trial.suggest_float("lr", 1e-5, 1, log=True), trial.suggest_int("layers", 1, 5)
    return float(0.2 + (math.log10(lr) + 3) ** 2 / 9 + (layers - 3) ** 2 / 20 + (drop - 0.2) ** 2)


def ten(trial: Any) -> float:
    numbers = [trial.suggest_float(f"x{i}", 0, 1) for i in range(8)]
    width, k = trial.suggest_int("width", 1, 300, log=True), trial.suggest_categorical("k", list("abcdef"))
    squares = sum((x - 0.5) ** 2 / (i + 1) for i, x in enumerate(numbers))
    return float(squares + math.log(width) / 9 + (k == "f") / 2)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    tpe, uniform = optuna.samplers.TPESampler(seed=1), optuna.samplers.RandomSampler(seed=1)
    studies = {
        "flat, tpe": study_of(flat, tpe, 120),
        "conditional, tpe": study_of(conditional, optuna.samplers.TPESampler(seed=2), 120),
        "conditional, random": study_of(conditional, uniform, 120),
        "ten, random": study_of(ten, optuna.samplers.RandomSampler(seed=2), 150),
    }
    lines = [f"{json.dumps(name)}: {json.dumps(study)}" for name, study in studies.items()]
    Path(sys.argv[1]).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def study_of(objective: Objective, sampler: Any, n: int) -> dict[str, Any]:
    """Return the rounded trials of a study, and their scores; one trial in twenty gets an infinite loss."""
    searched = optuna.create_study(sampler=sampler)
    searched.optimize(objective, n_trials=n)
    chance = random.Random(n)
    rounded = optuna.create_study()
    for trial in searched.trials:
        params = {label: within(value, trial.distributions[label]) for label, value in trial.params.items()}
        value = trial.value
        loss = math.inf if value is None or chance.random() < 0.05 else rounded_to_six(value)
        rounded.add_trial(
            optuna.trial.create_trial(params=params, distributions=trial.distributions, value=loss)
        )
    scores = PedAnovaImportanceEvaluator().evaluate(rounded)
    return {
        "labels": sorted(scores),
        "trials": [
            [[t.params.get(label) for label in sorted(scores)], finite(t.value)] for t in rounded.trials
        ],
        "scores": [scores[label] for label in sorted(scores)],
    }


def finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value


def rounded_to_six(value: float) -> float:
    return float(f"{value:.6g}")


def within(value: Any, distribution: Any) -> Any:
    if not isinstance(value, float):
        return value
    return min(max(rounded_to_six(value), distribution.low), distribution.high)


if __name__ == "__main__":
    main()
