"""The priority of a search, as an option or an argument."""

from __future__ import annotations

import click

from hpsearch.core.choices import HIGHEST_PRIORITY

PRIORITY = click.IntRange(0, HIGHEST_PRIORITY)
