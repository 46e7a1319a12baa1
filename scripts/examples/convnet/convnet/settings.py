"""Settings of a machine: the folder of its images, the number of threads of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hpsearch.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables ``CONVNET_*``, read once."""

    data: Path | None  #: folder of CIFAR-100; None for scikit-learn's digits
    results: Path  #: folder of the result files
    n_epochs: int  #: passes over the training images in each trial
    n_threads: int  #: threads of one trial
    device: str  #: where PyTorch computes: "cpu", "cuda", "cuda:1", ...


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read ``CONVNET_DATA``, ``_RESULTS``, ``_EPOCHS``, ``_THREADS`` and ``_DEVICE``.

    Raises
    ------
    ConfigurationError
        If a number is not a positive integer.
    """
    data = environment.get("CONVNET_DATA")
    return Settings(
        data=Path(data).absolute() if data else None,
        results=Path(environment.get("CONVNET_RESULTS") or "convnet-results").absolute(),
        n_epochs=_count(environment, "CONVNET_EPOCHS", 10),
        n_threads=_count(environment, "CONVNET_THREADS", 1),
        device=environment.get("CONVNET_DEVICE") or "cpu",
    )


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"{name} is {text!r}; it must be a whole number from 1 up.")
    return int(text)
