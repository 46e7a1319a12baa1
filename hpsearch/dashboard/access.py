"""Who may see the pages: a token, the names of this server, and what a page may load.

A request passes if its ``Host`` is a name of this server, which stops foreign names that resolve to this
machine, and if it has the token: in the address once, then in a cookie, or as a bearer token of a script.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Parameter of the address that holds the token.
TOKEN = "token"  # noqa: S105

#: Names under which this machine reaches itself.
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

#: The figures need inline styles; scripts come from this server alone, and nothing is evaluated.
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS: Mapping[str, str] = {
    "content-security-policy": _CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a request needs."""

    token: str
    hosts: frozenset[str]  #: names of this server, without ports
    port: int  #: part of the cookie's name, since browsers share cookies among the ports of a host

    @property
    def cookie_name(self) -> str:
        """Name of the cookie."""
        return f"hpsearch_{self.port}"

    @property
    def cookie(self) -> str:
        """Value of the cookie, from which the token cannot be computed."""
        return self._derived("cookie")

    @property
    def form_token(self) -> str:
        """What a form must send back, so that no other site can submit it."""
        return self._derived("form")

    def is_host(self, host: str) -> bool:
        """Whether a ``Host`` header names this server."""
        name, colon, port = host.rpartition(":")
        return (name if colon and port.isdecimal() else host).lower() in self.hosts

    def has_cookie(self, headers: Headers) -> bool:
        """Whether a request has the cookie."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie_name)
        except CookieError:
            return False
        return found is not None and _equal(found.value, self.cookie)

    def has_bearer(self, headers: Headers) -> bool:
        """Whether a request has the token as a bearer token."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and _equal(token.strip(), self.token)

    def is_token(self, text: str | None) -> bool:
        """Whether a text is the token."""
        return text is not None and _equal(text, self.token)

    def is_form_token(self, text: str | None) -> bool:
        """Whether a text is what a form sends back."""
        return text is not None and _equal(text, self.form_token)

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


class Guard:
    """Refuses requests without access, and adds the headers of safety to every answer.

    Parameters
    ----------
    app : ASGI application
        What answers the others.
    access : Access
        What a request needs.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, send_safely)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that does not pass."""
        request = Request(scope)
        if not self._access.is_host(request.headers.get("host", "")):
            return _page(
                400, "This server has another name.", "hpsearch dashboard --host-name NAME allows it."
            )
        token = request.query_params.get(TOKEN)
        if self._access.is_token(token) and request.method == "GET":
            return self._welcome(request)
        if self._access.has_cookie(request.headers) or self._access.has_bearer(request.headers):
            return None
        return _page(401, "This page needs its token.", "Open the address that hpsearch dashboard printed.")

    def _welcome(self, request: Request) -> Response:
        """Return the redirection to the same address without the token, with the cookie."""
        rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != TOKEN]
        path = request.scope.get("root_path", "") + _path_within(request)
        response = RedirectResponse(f"{path}?{urlencode(rest)}" if rest else path, status_code=303)
        response.set_cookie(
            self._access.cookie_name,
            self._access.cookie,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path=request.scope.get("root_path", "") or "/",
        )
        return response


def allowed_hosts(host: str, names: Iterable[str]) -> frozenset[str]:
    """Return the names of a server.

    Parameters
    ----------
    host : str
        The address that it listens on.
    names : iterable of str
        Names that the user allows.
    """
    own = {f"[{host}]" if ":" in host else host} if host not in {"0.0.0.0", "::"} else set()  # noqa: S104
    return LOOPBACK_NAMES | {name.lower() for name in (*own, *names)}


def _path_within(request: Request) -> str:
    """Return the path as it was sent, without the prefix of a proxy and never that of another server."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]  # some servers leave the query in it
    path = path.removeprefix(request.scope.get("root_path", ""))
    return "/" + path.lstrip("/\\")


def _page(status: int, title: str, text: str) -> Response:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1><p>{text}</p></html>',
        status_code=status,
    )


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
