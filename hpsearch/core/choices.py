"""What a user may choose, without the types that it stands for: importing them would slow down help pages."""

from __future__ import annotations

#: The states of a trial.
STATES = ("pending", "running", "done", "failed", "pruned", "cancelled")

#: The highest priority of a search.
HIGHEST_PRIORITY = 1_000_000

#: How trials are stopped: the objective asks, or its process is ended.
PRUNE_MODES = ("ask", "kill")
