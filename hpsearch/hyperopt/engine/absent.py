"""What to say of the platforms of Hyperopt's that are not here."""

from __future__ import annotations

from hpsearch.errors import ConfigurationError


def absent(platform: str) -> ConfigurationError:
    """Return the error that says what to use instead of a platform."""
    return ConfigurationError(
        f"hpsearch does not run on {platform}; use Trials() to search in this process, "
        "or the commands hpsearch run and hpsearch worker to search on many machines."
    )
