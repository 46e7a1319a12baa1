"""A study of Optuna with everything that `hpsearch import-optuna` has to understand.

    python scripts/compat/optuna/study.py FOLDER

Writes it to FOLDER as a dump of SQLite and as a journal; tests/unit/integrations/data has the result.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna


def objective(trial: Any) -> float:
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    model = trial.suggest_categorical("model", ["svc", "mlp", None])
    dropout = trial.suggest_float("dropout", 0.0, 0.5, step=0.1)
    batch = trial.suggest_int("batch", 1, 64, log=True)
    if trial.number == 6:
        raise ValueError("ended before all of its parameters")
    kernel = trial.suggest_int("kernel", 3, 9, step=2)
    trial.suggest_int("epochs", 10, 10)
    trial.suggest_float("momentum", 0, 0.5 if trial.number % 2 else 0.9)
    trial.suggest_categorical("amp", [True, False])
    trial.set_user_attr("host", f"node-{trial.number % 3}")
    if model == "svc":
        trial.suggest_float("C", 0.1, 10.0)
    elif model == "mlp":
        for layer in range(trial.suggest_int("n_layers", 1, 3)):
            trial.suggest_int(f"units_{layer}", 16, 64, step=16)
    score = 1 - (lr - 0.01) ** 2 - dropout / 10 - abs(kernel - 5) / 100 + batch / 1000
    for step in range(3):
        trial.report(score * (step + 1) / 3, step)
    if trial.number == 4:
        raise optuna.TrialPruned
    if trial.number == 5:
        raise ValueError("boom")
    return float("inf") if trial.number == 7 else score


def filled(storage: Any) -> Any:
    """Return the study in a storage: 25 trials, of which one runs and two wait."""
    sampler = optuna.samplers.RandomSampler(seed=4)
    study = optuna.create_study(study_name="demo", storage=storage, sampler=sampler, direction="maximize")
    study.set_user_attr("team", "vision")
    study.optimize(objective, n_trials=22, catch=(ValueError,))
    study.enqueue_trial({"lr": 0.01})
    study.ask()
    study.enqueue_trial({"lr": 0.02, "model": "svc", "C": 1.0})
    study.enqueue_trial({"lr": 0.03, "epochs": 10})
    return study


def journal(path: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(path)))


def main(folder: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    database, log = folder / "study.db", folder / "optuna_study.log"
    for old in (database, log):
        old.unlink(missing_ok=True)
    filled(f"sqlite:///{database}")
    filled(journal(log))
    with closing(sqlite3.connect(database)) as connection:
        (folder / "optuna_study.sql").write_text("\n".join(connection.iterdump()) + "\n")
    database.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
