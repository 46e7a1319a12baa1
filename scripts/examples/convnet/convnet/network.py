"""A convolutional network from a configuration, for images of any size.

::

    stage 1 ... n:  convolution - [norm] - activation - [residual blocks] - dropout - halving
    head:           average to at most 2 x 2 - dense - [extra dense] - dense to the classes

Each stage has twice the channels of the one before. A residual block adds the result of two convolutions to
its input (He et al., 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from convnet.space import USUAL_CHANNELS, USUAL_UNITS

#: Pixels on a side that the head sees at most.
_HEAD_SIZE = 2

_ACTIVATIONS: Mapping[str, type[nn.Module]] = {"relu": nn.ReLU, "elu": nn.ELU, "tanh": nn.Tanh}


def build_network(config: Mapping[str, Any], shape: tuple[int, int, int], n_classes: int) -> nn.Sequential:
    """Build a network with fresh weights, drawn from PyTorch's global generator.

    Parameters
    ----------
    config : mapping
        A configuration of ``convnet.space``.
    shape : tuple of int
        Of an image: channels, height, width; both at least ``2**n_stages``.
    n_classes : int
        Length of the network's output for each image.

    Returns
    -------
    nn.Sequential
        From (n, channels, height, width) floats to (n, n_classes) logits.
    """
    n_channels, height, width = shape
    size = min(height, width)
    layers: list[nn.Module] = []
    n_out = round(USUAL_CHANNELS * size * config["channels_mult"])
    for _ in range(config["n_stages"]):
        layers += _stage(config, n_channels, n_out)
        n_channels, n_out = n_out, 2 * n_out
    side = min(size >> config["n_stages"], _HEAD_SIZE)
    layers += [nn.AdaptiveAvgPool2d(side), nn.Flatten()]
    usual_units = USUAL_UNITS * size
    return nn.Sequential(*layers, *_head(config, n_channels * side**2, usual_units, n_classes))


class ResidualBlock(nn.Module):
    """``activation(x + convolution(activation(convolution(x))))``."""

    def __init__(self, config: Mapping[str, Any], n_channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            *_convolution(config, n_channels, n_channels),
            _ACTIVATIONS[config["activation"]](),
            *_convolution(config, n_channels, n_channels),
        )
        self.activation = _ACTIVATIONS[config["activation"]]()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, height, width) to the same shape."""
        result: Tensor = self.activation(x + self.change(x))
        return result


def count_weights(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(weights.numel() for weights in network.parameters())


def _stage(config: Mapping[str, Any], n_in: int, n_out: int) -> list[nn.Module]:
    """Return the layers that give half the height and width, and ``n_out`` channels."""
    return [
        *_convolution(config, n_in, n_out),
        _ACTIVATIONS[config["activation"]](),
        *(ResidualBlock(config, n_out) for _ in range(config["residual_blocks"] or 0)),
        nn.Dropout2d(config["conv_dropout"]),
        _halving(config["pooling"], n_out),
    ]


def _convolution(config: Mapping[str, Any], n_in: int, n_out: int) -> list[nn.Module]:
    convolution = nn.Conv2d(n_in, n_out, config["kernel_size"], padding="same")
    return [convolution, nn.BatchNorm2d(n_out)] if config["batch_norm"] else [convolution]


def _halving(kind: str, n_channels: int) -> nn.Module:
    match kind:
        case "max":
            return nn.MaxPool2d(2)
        case "average":
            return nn.AvgPool2d(2)
        case "strided":
            return nn.Conv2d(n_channels, n_channels, 2, stride=2)
    raise ValueError(f"unknown pooling {kind!r}")


def _head(config: Mapping[str, Any], n_in: int, usual_units: float, n_classes: int) -> list[nn.Module]:
    """Return the dense layers."""
    dense = [(config["units_mult"], config["dense_dropout"])]
    if extra := config["extra_layer"]:
        dense.append((extra["units_mult"], extra["dropout"]))
    layers: list[nn.Module] = []
    for units_mult, dropout in dense:
        n_out = round(usual_units * units_mult)
        layers += [nn.Linear(n_in, n_out), _ACTIVATIONS[config["activation"]](), nn.Dropout(dropout)]
        n_in = n_out
    return [*layers, nn.Linear(n_in, n_classes)]
