"""The data files beside this module; ``data/README.md`` names their sources and licences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

_FOLDER = Path(__file__).parent / "data"


def arrays(name: str) -> dict[str, Any]:
    """Return the arrays of a file of ``data/``, by name."""
    with np.load(_FOLDER / f"{name}.npz") as archive:
        return {key: archive[key] for key in archive.files}
