"""The copy of plotly.js that draws the figures: the cartesian bundle, minified, MIT licence.

It is the file of the npm package ``plotly.js-cartesian-dist-min``, unchanged; a test checks its hash.
"""

from __future__ import annotations

from importlib.resources import files

#: Version of the npm package, and the SHA-256 hash of its file.
PLOTLY_VERSION = "4.1.1"
PLOTLY_SHA256 = "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a"

#: The file, and its licence, in ``hpsearch/report/static``.
PLOTLY_FILE, PLOTLY_LICENCE = "plotly-cartesian.min.js", "plotly-cartesian.LICENSE"

#: The script with ``themed`` and ``drawFigure``, beside it.
THEME_FILE = "theme.js"


def static_bytes(name: str) -> bytes:
    """Return the contents of a file in ``hpsearch/report/static``."""
    return files("hpsearch.report").joinpath("static", name).read_bytes()
