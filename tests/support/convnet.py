"""A point of the space of the convolutional example."""

from __future__ import annotations

from typing import Any

#: The smallest network, without what is optional.
PLAIN: dict[str, Any] = {
    "learning_rate_mult": 1.0,
    "l2_mult": 1.0,
    "batch_size": 16.0,
    "optimizer": "adam",
    "activation": "relu",
    "pooling": "max",
    "kernel_size": 3,
    "n_stages": 2,
    "channels_mult": 1.0,
    "batch_norm": False,
    "residual_blocks": None,
    "conv_dropout": 0.0,
    "units_mult": 1.0,
    "dense_dropout": 0.0,
    "extra_layer": None,
}
