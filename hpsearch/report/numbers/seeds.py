"""Random generators of reports: the same numbers for the same search, whoever asks."""

from __future__ import annotations

import zlib

import numpy as np


def report_rng(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator that depends only on the seed of a search and on a purpose.

    Parameters
    ----------
    seed : int
        Seed of the experiment; not negative.
    purpose : str
        What the numbers are for.
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])
