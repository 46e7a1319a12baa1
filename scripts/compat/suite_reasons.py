"""Why tests of Hyperopt's suite fail here: each is a documented difference, or a private helper."""

from __future__ import annotations

from collections.abc import Mapping

#: By ``file::test``.
REASONS: Mapping[str, str] = {}
