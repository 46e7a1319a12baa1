"""Values as pages of HTML, with everything that users chose escaped."""

from __future__ import annotations

import gzip
from functools import partial
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hpsearch.dashboard.access import Access
from hpsearch.dashboard.assets import LIBRARY
from hpsearch.report.table import date_text
from hpsearch.report.text import duration_text, number, value_text
from hpsearch.runtime.escaping import printable


class Renderer:
    """Renders the templates of this package.

    Parameters
    ----------
    access : Access
        Signs the forms.
    is_writable : bool
        Whether pages have buttons that change a search.
    """

    def __init__(self, access: Access, *, is_writable: bool) -> None:
        self._access = access
        self._is_writable = is_writable
        self._templates = Environment(
            loader=PackageLoader("hpsearch.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalized,
        )
        self._templates.filters.update(
            number=number, date=date_text, duration=duration_text, value=value_text
        )

    def page(self, request: Request, name: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page.

        Parameters
        ----------
        request : Request
            What the browser asked.
        name : str
            Name of the template.
        status : int
            Status of HTTP.
        **values
            What the template shows.
        """
        text = self._templates.get_template(name).render(
            **values,
            url=partial(url, request.scope.get("root_path", "")),
            is_writable=self._is_writable,
            form_token=self._access.form_token,
            zip=zip,
            library=LIBRARY,
        )
        return _compressed(request, HTMLResponse(text, status_code=status))


def url(root: str, *parts: object, **query: str) -> str:
    """Return an address on this server.

    Parameters
    ----------
    root : str
        Path of the server behind a proxy.
    *parts
        Parts of the path, as they are named.
    **query
        Parameters.
    """
    path = "/".join(quote(str(part), safe="") for part in parts)
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return f"{root}/{path}{'?' if text else ''}{text}"


def _compressed(request: Request, response: Response) -> Response:
    """Return a response, compressed if the browser takes that."""
    body = bytes(response.body)
    if "gzip" in request.headers.get("accept-encoding", "") and len(body) > 500:
        response.body = gzip.compress(body, 6)
        response.headers["content-encoding"] = "gzip"
        response.headers["content-length"] = str(len(response.body))
    return response


def _finalized(value: Any) -> Any:
    """Return what a page shows of a value: no text of a user contains characters that hide others."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value)
    return value
