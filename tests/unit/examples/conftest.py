"""The parts of the examples are imported as they are beside their scripts."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "scripts" / "examples" / "convnet"))
