"""Train a classifier of handwritten digits epoch by epoch, and stop the trials that will not win.

Each epoch is reported, so that a pruner can stop the trial, and kept as a checkpoint, so that a trial whose
worker is lost goes on elsewhere. Needs the extra ``examples``. Run it with::

    hpsearch run scripts/examples/partial_fit.py --max-evals 60 --workers 2 --pruner auto
"""

import math
import pickle
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.utils import shuffle

import hpsearch
from hpsearch import hp

N_EPOCHS = 27

space = {
    "loss": hp.choice("loss", ["hinge", "log_loss", "modified_huber"]),
    "alpha": hp.loguniform("alpha", math.log(1e-7), math.log(1)),
    "eta0": hp.loguniform("eta0", math.log(1e-4), math.log(10)),
    "learning_rate": hp.choice("learning_rate", ["constant", "invscaling", "adaptive"]),
}


def objective(config: dict[str, Any]) -> float:
    """Return the error on images that are not trained on, between 0 and 1, after the last epoch."""
    trial = hpsearch.current_trial()
    train_images, test_images, train_digits, test_digits = _data()
    model, first = SGDClassifier(**config, random_state=0), 1
    if (saved := trial.resume()) is not None and saved.data is not None:
        model, first = pickle.loads(saved.data), int(saved.step) + 1
    error = 1.0
    for epoch in range(first, N_EPOCHS + 1):
        images, digits = shuffle(train_images, train_digits, random_state=epoch)
        model.partial_fit(images, digits, classes=np.arange(10))
        error = float(1 - model.score(test_images, test_digits))
        trial.report(epoch, error)
        if trial.should_stop():
            raise hpsearch.Pruned
        if epoch % 9 == 0:
            trial.checkpoint(epoch, data=pickle.dumps(model))
    return error


@cache
def _data() -> list[np.ndarray]:
    images, digits = load_digits(return_X_y=True)
    split: list[np.ndarray] = train_test_split(
        images / 16, digits, test_size=0.3, random_state=0, stratify=digits
    )
    return split
