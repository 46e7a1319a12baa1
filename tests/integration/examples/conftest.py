"""Makes the modules of the examples importable, as beside their scripts."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "scripts" / "examples" / "convnet"))
