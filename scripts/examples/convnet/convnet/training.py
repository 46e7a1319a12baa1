"""Train one network, and measure it after each epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from convnet.images import Dataset, Images
from convnet.network import build_network, count_weights
from convnet.space import USUAL_L2, USUAL_RATES

#: Images that are classified at once.
_N_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Measurements of one pass over the training images."""

    train_loss: float  #: mean cross-entropy meanwhile, in nats
    accuracy: float  #: share of the validation images that it gets right afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The result of a training."""

    epochs: tuple[Epoch, ...]  #: those that ended well
    n_weights: int  #: numbers that were learned
    test_accuracy: float | None = None  #: of the best epoch's weights; None if it diverged
    diverged_in: int | None = None  #: the epoch, from 1, whose loss was not finite

    @property
    def best_epoch(self) -> int:
        """The first epoch, from 1, with the highest accuracy."""
        accuracies = [epoch.accuracy for epoch in self.epochs]
        return 1 + accuracies.index(max(accuracies))


def train(
    config: Mapping[str, Any],
    dataset: Dataset,
    *,
    n_epochs: int,
    seed: int,
    device: str,
    report: Callable[[int, float], None],
) -> Training:
    """Train a network from fresh weights, until its loss is not finite or the epochs are over.

    On a CPU, the same arguments and number of threads give the same result.

    Parameters
    ----------
    config : mapping
        A configuration of ``convnet.space``.
    dataset : Dataset
        The images.
    n_epochs : int
        Passes over the training images, at least 1.
    seed : int
        Of the weights, of dropout, and of the order of the images.
    device : str
        Where PyTorch computes.
    report : callable
        Called with each epoch, from 1, and the validation accuracy after it.
    """
    # Other code in this process may use PyTorch's global generator.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            _Standardised(torch.from_numpy(dataset.train.pixels)),
            build_network(config, dataset.train.pixels.shape[1:], dataset.n_classes),
        ).to(device)
        n_weights = count_weights(network)
        epochs: list[Epoch] = []
        best_weights: dict[str, Tensor] = {}
        for number, loss in enumerate(_losses(network, config, dataset.train, n_epochs, device), 1):
            if not math.isfinite(loss):
                return Training(epochs=tuple(epochs), n_weights=n_weights, diverged_in=number)
            accuracy = _accuracy(network, dataset.validation, device)
            report(number, accuracy)
            if all(accuracy > earlier.accuracy for earlier in epochs):
                best_weights = {name: values.clone() for name, values in network.state_dict().items()}
            epochs.append(Epoch(train_loss=loss, accuracy=accuracy))
        network.load_state_dict(best_weights)
        test_accuracy = _accuracy(network, dataset.test, device)
    return Training(epochs=tuple(epochs), n_weights=n_weights, test_accuracy=test_accuracy)


def _losses(
    network: nn.Module, config: Mapping[str, Any], images: Images, n_epochs: int, device: str
) -> Iterator[float]:
    """Pass over the images repeatedly; yield the mean loss of each pass."""
    pixels, labels = torch.from_numpy(images.pixels).to(device), torch.from_numpy(images.labels).to(device)
    optimizer = _optimizer(config, network)
    # The rate falls to zero along half a cosine (Loshchilov and Hutter, 2017).
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_epochs)
    for _ in range(n_epochs):
        network.train()
        total = 0.0
        for batch in torch.split(torch.randperm(len(images)), int(config["batch_size"])):
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(pixels[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        schedule.step()
        yield total / len(images)


@torch.no_grad()
def _accuracy(network: nn.Module, images: Images, device: str) -> float:
    """Return the share of the images that the network classifies correctly."""
    network.eval()
    n_right = 0
    for first in range(0, len(images), _N_AT_ONCE):
        part = images[first : first + _N_AT_ONCE]
        found = network(torch.from_numpy(part.pixels).to(device)).argmax(1).cpu()
        n_right += int((found == torch.from_numpy(part.labels)).sum())
    return n_right / len(images)


def _optimizer(config: Mapping[str, Any], network: nn.Module) -> torch.optim.Optimizer:
    name = config["optimizer"]
    settings = {
        "lr": USUAL_RATES[name] * config["learning_rate_mult"],
        "weight_decay": USUAL_L2 * config["l2_mult"],
    }
    match name:
        case "adam":
            return torch.optim.Adam(network.parameters(), **settings)
        case "rmsprop":
            return torch.optim.RMSprop(network.parameters(), **settings)
        case "sgd":
            return torch.optim.SGD(network.parameters(), momentum=0.9, **settings)
    raise ValueError(f"unknown optimizer {name!r}")


class _Standardised(nn.Module):
    """Converts bytes to floats with mean 0 and deviation 1 in each channel of the training images."""

    mean: Tensor  #: (channels, 1, 1)
    deviation: Tensor  #: (channels, 1, 1)

    def __init__(self, pixels: Tensor) -> None:
        super().__init__()
        # From counts, since all of CIFAR-100 as floats would take gigabytes.
        counts = torch.stack([channel.flatten().bincount(minlength=256) for channel in pixels.unbind(1)])
        shares = counts / counts.sum(1, keepdim=True)  # (channels, 256)
        values = torch.arange(256.0)
        mean = shares @ values
        variance = shares @ values**2 - mean**2
        self.register_buffer("mean", mean[:, None, None])
        # A channel without contrast has no deviation to divide by.
        self.register_buffer("deviation", variance.clamp(min=1e-6).sqrt()[:, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        result: Tensor = (pixels.float() - self.mean) / self.deviation
        return result
