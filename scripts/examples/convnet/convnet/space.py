"""The search space: how the network is built, and how it is trained.

Multipliers are relative to a usual value: 1 is the middle of the range.
"""

from __future__ import annotations

import math

from hpsearch import hp

#: Rates that the multiplier is applied to, for each optimizer.
USUAL_RATES = {"adam": 1e-3, "rmsprop": 1e-3, "sgd": 2e-2}

#: Weight decay that the multiplier is applied to.
USUAL_L2 = 1e-4

#: Channels of the first convolution, and units of a dense layer, before their multipliers, for each
#: pixel on a side of the images: larger images show more.
USUAL_CHANNELS, USUAL_UNITS = 1.5, 6.0

space = {
    "learning_rate_mult": hp.loguniform("learning_rate_mult", math.log(0.02), math.log(50)),
    "l2_mult": hp.loguniform("l2_mult", math.log(0.01), math.log(100)),
    "batch_size": hp.quniform("batch_size", 16, 256, 16),  # a float: the objective makes it an int
    "optimizer": hp.choice("optimizer", list(USUAL_RATES)),
    "activation": hp.choice("activation", ["relu", "elu", "tanh"]),
    "pooling": hp.choice("pooling", ["max", "average", "strided"]),
    "kernel_size": hp.choice("kernel_size", [3, 5]),
    "n_stages": hp.uniformint("n_stages", 1, 3),
    "channels_mult": hp.loguniform("channels_mult", math.log(0.4), math.log(2.5)),
    "batch_norm": hp.choice("batch_norm", [True, False]),
    "residual_blocks": hp.choice("residual", [None, hp.uniformint("residual_blocks", 1, 3)]),
    "conv_dropout": hp.uniform("conv_dropout", 0, 0.5),
    "units_mult": hp.loguniform("units_mult", math.log(0.4), math.log(2.5)),
    "dense_dropout": hp.uniform("dense_dropout", 0, 0.7),
    "extra_layer": hp.choice(
        "extra_layer",
        [
            None,
            {
                "units_mult": hp.loguniform("extra_units_mult", math.log(0.4), math.log(2.5)),
                "dropout": hp.uniform("extra_dropout", 0, 0.7),
            },
        ],
    ),
}
