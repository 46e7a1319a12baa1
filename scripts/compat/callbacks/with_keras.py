"""A small network of Keras on JAX."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from trial import StoppedTrial

from hpsearch.integrations import callbacks
from hpsearch.objective.current_trial import under_evaluation

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5)).astype("float32")
y = X[:, 0] * 2 + X[:, 1] ** 2
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(0.01), "mse")

with under_evaluation(trial := StoppedTrial()):
    history = model.fit(
        X, y, epochs=50, validation_split=0.25, verbose=0, callbacks=[callbacks.keras("val_loss")]
    )
trial.check(len(history.epoch))
