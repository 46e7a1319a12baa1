"""One trial from its configuration to its result, and the result to a file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convnet.images import Dataset, check_dataset, load_dataset
from convnet.results import Record, write_record
from convnet.settings import Settings
from convnet.space import space
from hpsearch import STATUS_FAIL, STATUS_OK, CurrentTrial, Space
from hpsearch.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:  # torch is loaded where it is used
    from convnet.training import Training

#: Root of the seeds of all trials.
SEED = 1


def prepare(settings: Settings) -> None:
    """Check that this machine has all requirements, before it claims a trial; limit the threads.

    Raises
    ------
    MissingExtraError
        If PyTorch, or scikit-learn for its digits, is not installed.
    ConfigurationError
        If the images cannot be loaded, or the device is not there.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("The convolutional network", "torch") from error
    # Otherwise each worker on this machine would use all of its cores.
    torch.set_num_threads(settings.n_threads)
    try:
        torch.empty(1, device=settings.device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigurationError(
            f"PyTorch cannot compute on CONVNET_DEVICE={settings.device} here: {reason}"
        ) from error
    check_dataset(settings.data)


def run_trial(config: Mapping[str, Any], trial: CurrentTrial, settings: Settings) -> dict[str, Any]:
    """Train a network, and write the result into the folder of results.

    Parameters
    ----------
    config : mapping
        A configuration of ``convnet.space``.
    trial : CurrentTrial
        Names the file, seeds the training by its number, takes a report of each epoch's accuracy, and
        keeps checkpoints. Outside a search nothing is written.
    settings : Settings
        Those of this machine.

    Returns
    -------
    dict
        The objective's result: ``loss`` is one minus the best accuracy; or, if the training
        diverged, the status "fail" and a ``message``.

    Raises
    ------
    SpaceError
        If the configuration is of another space.
    Pruned
        If the pruner of the search stops the trial.
    """
    from convnet.training import train

    searched = Space(space)
    values = searched.values(config)
    started = time.perf_counter()
    dataset = _dataset(settings.data)
    training = train(
        config,
        dataset,
        n_epochs=settings.n_epochs,
        seed=_seed(trial.tid),
        device=settings.device,
        trial=trial,
    )
    result = {
        **_summary(training),
        "dataset": dataset.name,
        "n_epochs": settings.n_epochs,
        "train_s": round(time.perf_counter() - started, 3),
    }
    if trial.exp_key:
        params = searched.params(values)
        write_record(
            settings.results,
            Record(exp_key=trial.exp_key, tid=trial.tid, values=values, params=params, result=result),
        )
    return result


def _summary(training: Training) -> dict[str, Any]:
    """Return the result of a trial."""
    measured = {
        "accuracies": [epoch.accuracy for epoch in training.epochs],
        "train_losses": [epoch.train_loss for epoch in training.epochs],
        "n_weights": training.n_weights,
    }
    if training.diverged_in is not None:
        message = f"The training diverged: its loss was not finite in epoch {training.diverged_in}."
        return {"status": STATUS_FAIL, "message": message, **measured}
    accuracy = training.epochs[training.best_epoch - 1].accuracy
    return {
        "status": STATUS_OK,
        "loss": 1 - accuracy,
        "accuracy": accuracy,
        "best_epoch": training.best_epoch,
        "test_accuracy": training.test_accuracy,
        **measured,
    }


@cache
def _dataset(folder: Path | None) -> Dataset:
    """Load the images once for all trials of this process."""
    return load_dataset(folder)


def _seed(tid: int) -> int:
    """Return the seed of a trial; by hand, without a search, ``tid`` is -1."""
    return int(np.random.SeedSequence(SEED, spawn_key=(tid + 1,)).generate_state(1)[0])
