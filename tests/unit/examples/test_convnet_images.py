"""CIFAR-100's files and the digits, as images in three parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from convnet.images import check_dataset, load_dataset

from hpsearch.errors import ConfigurationError


def write(path: Path, pixels: np.ndarray, fine: list[int]) -> None:
    """Write images in CIFAR-100's format."""
    with path.open("wb") as file:
        for image, label in zip(pixels, fine, strict=True):
            file.write(bytes([label // 5, label]))  # the coarse label first
            for plane in image:  # red, green, blue
                for row in plane:
                    file.write(bytes(row.tolist()))


@pytest.fixture
def cifar(tmp_path: Path) -> Path:
    """A folder with 20 training and 5 test images."""
    pixels = np.random.default_rng(0).integers(0, 256, (25, 3, 32, 32), dtype=np.uint8)
    write(tmp_path / "train.bin", pixels[:20], list(range(20)))
    write(tmp_path / "test.bin", pixels[20:], [99, 0, 98, 1, 97])
    np.save(tmp_path / "pixels.npy", pixels)
    return tmp_path


def test_images_are_read_by_channel_row_and_column_with_their_fine_labels(cifar: Path) -> None:
    pixels = np.load(cifar / "pixels.npy")
    found = load_dataset(cifar).test
    assert found.labels.tolist() == [99, 0, 98, 1, 97]
    np.testing.assert_array_equal(found.pixels, pixels[20:])


def test_training_and_validation_images_partition_the_training_file(cifar: Path) -> None:
    pixels = np.load(cifar / "pixels.npy")
    dataset = load_dataset(cifar)
    assert (dataset.name, dataset.n_classes) == ("cifar100", 100)
    assert (len(dataset.train), len(dataset.validation)) == (18, 2)
    # In the file, the label of each image is its number.
    labels = [*dataset.train.labels, *dataset.validation.labels]
    assert sorted(labels) == list(range(20))
    for part in (dataset.train, dataset.validation):
        np.testing.assert_array_equal(part.pixels, pixels[part.labels])


@pytest.mark.parametrize("is_cifar", [True, False])
def test_the_parts_are_the_same_in_every_trial(is_cifar: bool, cifar: Path) -> None:
    first, second = (load_dataset(cifar if is_cifar else None) for _ in range(2))
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(first, name).pixels, getattr(second, name).pixels)


def test_all_digits_are_loaded_with_every_class_in_every_part() -> None:
    dataset = load_dataset(None)
    parts = (dataset.train, dataset.validation, dataset.test)
    assert sum(map(len, parts)) == 1797
    for part in parts:
        assert part.pixels.shape[1:] == (1, 8, 8)
        assert set(part.labels.tolist()) == set(range(dataset.n_classes))


def test_a_missing_folder_or_file_is_named(cifar: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file .*nowhere/train\.bin; CONVNET_DATA must be"):
        check_dataset(cifar / "nowhere")
    (cifar / "test.bin").unlink()
    with pytest.raises(ConfigurationError, match=r"no file .*test\.bin"):
        check_dataset(cifar)


@pytest.mark.parametrize("size", [0, 3073, 3073 * 10_000, 3074, 3074 * 4 - 1])
def test_a_training_file_of_the_wrong_size_is_refused_before_reading(size: int, cifar: Path) -> None:
    """Empty, records of CIFAR-10, too few images for validation, truncated."""
    with (cifar / "train.bin").open("wb") as file:
        file.truncate(size)
    for refusing in (check_dataset, load_dataset):
        with pytest.raises(ConfigurationError, match=rf"train\.bin has {size} bytes, not"):
            refusing(cifar)


def test_an_invalid_label_is_refused_with_its_record(cifar: Path) -> None:
    write(cifar / "test.bin", np.zeros((3, 3, 32, 32), dtype=np.uint8), [7, 99, 100])
    with pytest.raises(ConfigurationError, match=r"test\.bin: record 2 has the label 100"):
        load_dataset(cifar)


def test_a_valid_folder_passes_the_check(cifar: Path) -> None:
    check_dataset(cifar)
    check_dataset(None)
