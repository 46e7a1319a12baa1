"""Labelled images: CIFAR-100 from its published files, or scikit-learn's digits.

CIFAR-100's binary form (Krizhevsky, 2009) is a sequence of records of 3074 bytes: a coarse
label, a fine label, then 32 x 32 red values in rows from the top, the green ones, the blue ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.errors import ConfigurationError, MissingExtraError

#: Decides which images are for training, validation and testing: the same ones in every trial.
SPLIT_SEED = 20260

_CIFAR_SIZE = 32
_CIFAR_CLASSES = 100
_CIFAR_RECORD_BYTES = 2 + 3 * _CIFAR_SIZE**2

#: Of CIFAR-100's training images, the share that is kept for validation.
_VALIDATION_SHARE = 0.1

#: Digits for training and for validation; the others, about 400, are for testing.
_N_DIGITS_TRAIN, _N_DIGITS_VALIDATION = 600, 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """``n`` images and what they show."""

    pixels: npt.NDArray[np.uint8]  #: (n, channels, height, width)
    labels: npt.NDArray[np.int64]  #: (n,) from 0 up

    def __getitem__(self, chosen: npt.NDArray[np.integer[Any]] | slice) -> Images:
        """Return some of them."""
        return Images(pixels=self.pixels[chosen], labels=self.labels[chosen])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Images in three disjoint parts."""

    name: str  #: "digits" or "cifar100"
    n_classes: int
    train: Images  #: to learn from
    validation: Images  #: to compare trials by
    test: Images  #: looked at once, by what a trial chose


def load_dataset(folder: Path | None) -> Dataset:
    """Load CIFAR-100 from a folder, or the digits without one.

    Raises
    ------
    ConfigurationError
        As ``check_dataset``; also if a file holds a label that CIFAR-100 does not have.
    """
    return _digits() if folder is None else _cifar100(folder)


def check_dataset(folder: Path | None) -> None:
    """Check, without reading the images, that they can be loaded.

    Raises
    ------
    ConfigurationError
        If the folder or a file of it is missing, or a file has another form.
    MissingExtraError
        If the digits are wanted and scikit-learn is not installed.
    """
    if folder is None:
        _sklearn_digits()
        return
    for name in ("train.bin", "test.bin"):
        _checked(folder / name)


def _digits() -> Dataset:
    """Return 1797 digits of 8 x 8 pixels."""
    found = _sklearn_digits()
    images = Images(
        pixels=found.images.astype(np.uint8)[:, None],  # grey values from 0 to 16
        labels=found.target.astype(np.int64),
    )
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images))
    train, validation, test = np.split(order, [_N_DIGITS_TRAIN, _N_DIGITS_TRAIN + _N_DIGITS_VALIDATION])
    return Dataset(
        name="digits", n_classes=10, train=images[train], validation=images[validation], test=images[test]
    )


def _cifar100(folder: Path) -> Dataset:
    learning, test = _read(folder / "train.bin"), _read(folder / "test.bin")
    order = np.random.default_rng(SPLIT_SEED).permutation(len(learning))
    # At least one image for validation and one for training, also of a small file in a test.
    n_validation = max(1, round(_VALIDATION_SHARE * len(learning)))
    return Dataset(
        name="cifar100",
        n_classes=_CIFAR_CLASSES,
        train=learning[order[n_validation:]],
        validation=learning[order[:n_validation]],
        test=test,
    )


def _read(path: Path) -> Images:
    """Read one file of records."""
    _checked(path)
    records = np.fromfile(path, dtype=np.uint8).reshape(-1, _CIFAR_RECORD_BYTES)
    labels = records[:, 1].astype(np.int64)  # the fine ones
    if labels.max() >= _CIFAR_CLASSES:
        number = int(labels.argmax())
        raise ConfigurationError(
            f"{path}: record {number} has the label {labels[number]}, but CIFAR-100's labels are 0 to 99; "
            f"this is another file, or a damaged one."
        )
    return Images(pixels=records[:, 2:].reshape(-1, 3, _CIFAR_SIZE, _CIFAR_SIZE), labels=labels)


def _checked(path: Path) -> None:
    """Raise unless a file exists and consists of whole records."""
    if not path.is_file():
        raise ConfigurationError(
            f"There is no file {path}; CONVNET_DATA must be the folder with train.bin and test.bin "
            f"of CIFAR-100's binary version, or be unset for scikit-learn's digits."
        )
    n_bytes = path.stat().st_size
    least = 2 if path.name == "train.bin" else 1
    if n_bytes % _CIFAR_RECORD_BYTES or n_bytes < least * _CIFAR_RECORD_BYTES:
        raise ConfigurationError(
            f"{path} has {n_bytes} bytes, not whole records of {_CIFAR_RECORD_BYTES} bytes; "
            f"it was cut short, or is not of CIFAR-100's binary version."
        )


def _sklearn_digits() -> Any:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError("Loading scikit-learn's digits", "examples") from error
    return load_digits()
