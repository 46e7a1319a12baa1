"""Settings of the example from environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest
from convnet.settings import read_settings

from hpsearch.errors import ConfigurationError


def test_the_defaults_are_the_digits_and_one_thread() -> None:
    settings = read_settings({})
    assert (settings.data, settings.n_threads, settings.device) == (None, 1, "cpu")
    assert settings.results == Path.cwd() / "convnet-results"


def test_each_variable_is_read() -> None:
    settings = read_settings(
        {
            "CONVNET_DATA": "/images",
            "CONVNET_RESULTS": "out",
            "CONVNET_EPOCHS": "3",
            "CONVNET_THREADS": "2",
            "CONVNET_DEVICE": "cuda:1",
        }
    )
    assert (settings.data, settings.results) == (Path("/images"), Path.cwd() / "out")
    assert (settings.n_epochs, settings.n_threads, settings.device) == (3, 2, "cuda:1")


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings({"CONVNET_DATA": "", "CONVNET_EPOCHS": ""}) == read_settings({})


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "٣x"])
def test_an_invalid_number_is_refused_with_the_name_of_its_variable(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"CONVNET_EPOCHS is '{text}'; it must be a whole number"):
        read_settings({"CONVNET_EPOCHS": text})
