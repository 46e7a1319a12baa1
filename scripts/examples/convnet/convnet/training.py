"""Train one network, and measure it after each epoch."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from convnet.images import Dataset, Images
from convnet.network import build_network, count_weights
from convnet.space import USUAL_L2, USUAL_RATES
from hpsearch import CurrentTrial, Pruned

#: Images that are classified at once.
_N_AT_ONCE = 500
#: Epochs between two checkpoints.
_CHECKPOINT_EVERY = 3


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
    trial: CurrentTrial,
) -> Training:
    """Train a network, until its loss is not finite or the epochs are over.

    It begins with fresh weights, or goes on at the checkpoint of a lost attempt. On a CPU, the same arguments
    and number of threads give the same result, interrupted or not.

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
    trial : CurrentTrial
        Gets the validation accuracy after each epoch, and keeps checkpoints.

    Raises
    ------
    Pruned
        If the trial should stop.
    """
    # Other code in this process may use PyTorch's global generator.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        run = _Run(config, dataset, n_epochs, device)
        saved = trial.resume()
        if saved is not None and saved.data is not None:
            run.restore(saved.data)
        while len(run.epochs) < n_epochs:
            number, loss = len(run.epochs) + 1, run.pass_over(dataset.train)
            if not math.isfinite(loss):
                return Training(epochs=tuple(run.epochs), n_weights=run.n_weights, diverged_in=number)
            accuracy = _accuracy(run.network, dataset.validation, device)
            run.note(Epoch(train_loss=loss, accuracy=accuracy))
            trial.report(number, accuracy)
            if trial.should_stop():
                raise Pruned
            if number % _CHECKPOINT_EVERY == 0 and number < n_epochs:
                trial.checkpoint(number, data=run.saved())
        run.network.load_state_dict(run.best_weights)
        test_accuracy = _accuracy(run.network, dataset.test, device)
    return Training(epochs=tuple(run.epochs), n_weights=run.n_weights, test_accuracy=test_accuracy)


class _Run:
    """A training between two epochs: all that a checkpoint holds.

    Parameters
    ----------
    config, dataset, n_epochs, device
        As for ``train``.
    """

    def __init__(self, config: Mapping[str, Any], dataset: Dataset, n_epochs: int, device: str) -> None:
        self._device, self._batch_size = device, int(config["batch_size"])
        self.network = nn.Sequential(
            _Standardised(torch.from_numpy(dataset.train.pixels)),
            build_network(config, dataset.train.pixels.shape[1:], dataset.n_classes),
        ).to(device)
        self.n_weights = count_weights(self.network)
        self.epochs: list[Epoch] = []
        self.best_weights: dict[str, Tensor] = {}
        self._optimizer = _optimizer(config, self.network)
        # The rate falls to zero along half a cosine (Loshchilov and Hutter, 2017).
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, n_epochs)

    def pass_over(self, images: Images) -> float:
        """Train on all images once; return the mean loss meanwhile."""
        pixels = torch.from_numpy(images.pixels).to(self._device)
        labels = torch.from_numpy(images.labels).to(self._device)
        self.network.train()
        total = 0.0
        for batch in torch.split(torch.randperm(len(images)), self._batch_size):
            self._optimizer.zero_grad()
            loss = functional.cross_entropy(self.network(pixels[batch]), labels[batch])
            loss.backward()
            self._optimizer.step()
            total += loss.item() * len(batch)
        self._schedule.step()
        return total / len(images)

    def note(self, epoch: Epoch) -> None:
        """Add the measurements of an epoch, and keep its weights if they are the best."""
        if all(epoch.accuracy > earlier.accuracy for earlier in self.epochs):
            self.best_weights = {name: values.clone() for name, values in self.network.state_dict().items()}
        self.epochs.append(epoch)

    def saved(self) -> bytes:
        """Return the state, with that of PyTorch's generator."""
        file = io.BytesIO()
        epochs = [(epoch.train_loss, epoch.accuracy) for epoch in self.epochs]
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        torch.save({**parts, "epochs": epochs, "best": self.best_weights, "rng": torch.get_rng_state()}, file)
        return file.getvalue()

    def restore(self, data: bytes) -> None:
        """Go on from what ``saved`` returned."""
        state = torch.load(io.BytesIO(data), map_location=self._device, weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.epochs = [Epoch(train_loss=loss, accuracy=accuracy) for loss, accuracy in state["epochs"]]
        self.best_weights = state["best"]
        torch.set_rng_state(state["rng"].cpu())

    def _parts(self) -> dict[str, Any]:
        return {"network": self.network, "optimizer": self._optimizer, "schedule": self._schedule}


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
