"""The files that pages load: our own, and the library that draws the pictures."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from hpsearch.report.palette import palette_css
from hpsearch.report.plotly.library import PLOTLY_FILE, PLOTLY_SHA256, static_bytes

#: Name of the library; it holds the hash, so that browsers may keep it.
LIBRARY = f"plotly-{PLOTLY_SHA256[:16]}.js"

_FOLDER = Path(__file__).with_name("static")
#: Our own files, with their types.
_FILES = {
    "dashboard.css": "text/css",
    "dashboard.js": "text/javascript",
    "panels.js": "text/javascript",
    "choosers.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
}


def answer(request: Request) -> Response:
    """Answer with a file."""
    name = request.path_params["name"]
    if name == LIBRARY:
        headers = {"cache-control": "private, max-age=31536000, immutable", "content-encoding": "gzip"}
        return Response(_library(), media_type="text/javascript", headers=headers)
    headers = {"cache-control": "no-cache"}
    if name == "palette.css":
        return Response(palette_css(), media_type="text/css", headers=headers)
    if name == "theme.js":
        return Response(static_bytes("theme.js"), media_type="text/javascript", headers=headers)
    if name not in _FILES:
        raise HTTPException(404)
    return FileResponse(_FOLDER / name, media_type=_FILES[name], headers=headers)


@cache
def _library() -> bytes:
    return gzip.compress(static_bytes(PLOTLY_FILE), 9)
