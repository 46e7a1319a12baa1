"""Compare what our readers of a study find with what Optuna itself returns."""

import tempfile
from pathlib import Path

import optuna
from study import filled, journal

from hpsearch.optuna import import_study, study_of
from hpsearch.store.memory.store import MemoryStore

optuna.logging.set_verbosity(optuna.logging.CRITICAL)

with tempfile.TemporaryDirectory() as folder:
    database, log = Path(folder) / "study.db", Path(folder) / "study.log"
    for path, storage in ((database, f"sqlite:///{database}"), (log, journal(log))):
        study = filled(storage)
        by_optuna, by_us = study_of(study), study_of(path)
        for theirs, ours in zip(by_optuna.trials, by_us.trials, strict=True):
            assert theirs == ours, f"{path.name}:\n{theirs}\n{ours}"
        assert by_optuna == by_us
        store = MemoryStore()
        done = import_study(store, by_us)
        assert sum(done.counts.values()) == len(by_us.trials) - 2, (
            done
        )  # one runs, one has too few parameters
        best = max(trial.value for trial in study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))
        assert best == -min(trial.loss for trial in store.trials("demo") if trial.loss is not None)
        print(f"Optuna {optuna.__version__}, {path.name}: {len(by_us.trials)} trials are the same.")
