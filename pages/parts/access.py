"""Who may talk to the server: one check before every page, script, upload, medium and websocket.

A request must name the server by an allowed host name, as a page of another site could otherwise
reach a server on localhost through a name of its own. Where a token is set, a browser must also
have given it once; it then holds a cookie. Where a provider of logins is set, it does so instead.
`/_stcore/health` answers to all.
"""

from collections import deque
from collections.abc import Collection
from hmac import compare_digest
from html import escape
from secrets import token_urlsafe
from time import monotonic
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core import ASSETS
from pages.parts import oidc

NAME = "token"
HEALTH = "/_stcore/health"
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
WAIT_S = 60.0
FAILED_EACH, FAILED_ALL = 10, 100  # wrong tokens within WAIT_S: of one address, of all
MOST_BYTES = 4096  # of a submitted form
NOT_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class Access:
    """The middleware.

    Args:
        app: the server behind it.
        token: what a browser must give once; "" for none.
        hosts: the host names that a request may give; none for every name.
        people: who may log in by a provider, in place of the token.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str = "",
        hosts: Collection[str] = (),
        people: oidc.People | None = None,
    ) -> None:
        self._app = app
        self._people = people
        self._token = token.encode()
        self._hosts = frozenset(hosts)
        # Not made from the token, so that a token cannot be guessed by way of the cookie.
        self._cookie = token_urlsafe(32)
        self._failed: deque[tuple[float, str]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        answer = None
        if scope["type"] in ("http", "websocket") and scope["path"] != HEALTH:
            answer = await self._answer(scope, receive)
        if answer is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """What is said in place of the server; None lets the request pass."""
        asked = HTTPConnection(scope)
        host = asked.url.hostname or ""
        if self._hosts and host not in self._hosts:
            return PlainTextResponse(
                f"This server does not answer to the name {host!a}. To share it, start it with: "
                "sextant serve --host 0.0.0.0\n",
                421,
            )
        if self._people is not None:
            return _by_provider(asked, self._people)
        if not self._token or self._is_known(asked):
            return None
        if scope["type"] == "websocket":
            return Response(status_code=403)
        request = Request(scope, receive)
        given = await _given(request)
        if given is None:
            return _form(request, "", 401)
        if self._is_blocked(_address(request)):
            wait = f"Too many wrong tokens. Try again in {WAIT_S:.0f} seconds."
            return _form(request, wait, 429, {"Retry-After": f"{WAIT_S:.0f}"})
        if not compare_digest(given.encode(), self._token):
            self._failed.append((monotonic(), _address(request)))
            return _form(request, "This is not the token of this server.", 401)
        return self._let_in(request)

    def _is_known(self, asked: HTTPConnection) -> bool:
        cookie = asked.cookies.get(_cookie_name(asked), "")
        return compare_digest(cookie.encode(), self._cookie.encode())

    def _is_blocked(self, address: str) -> bool:
        while self._failed and self._failed[0][0] < monotonic() - WAIT_S:
            self._failed.popleft()
        each = sum(one == address for _, one in self._failed)
        return each >= FAILED_EACH or len(self._failed) >= FAILED_ALL

    def _let_in(self, request: Request) -> Response:
        """To the same address without the token, which then is in no history and no referrer."""
        query = urlencode([(n, v) for n, v in parse_qsl(request.url.query) if n != NAME])
        path = "/" + request.url.path.lstrip("/")
        response = RedirectResponse(f"{path}?{query}" if query else path, 303)
        response.set_cookie(
            _cookie_name(request),
            self._cookie,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response


def _by_provider(asked: HTTPConnection, people: oidc.People) -> Response | None:
    """What is said to somebody who has not logged in, or is not on the list."""
    if asked.scope["path"] in oidc.ROUTES:
        return None
    user = people.of(asked)
    if people.are(user):
        return None
    if asked.scope["type"] == "websocket":
        return Response(status_code=403)
    who = user.get("email") or user.get("sub")
    if who:
        problem = f"{who} is not on the list of this server, or the address is not verified."
        return _page("denied.html", problem, 403)
    if "text/html" not in asked.headers.get("accept", ""):
        return PlainTextResponse("A login is needed.\n", 401, NOT_KEPT)
    return RedirectResponse(oidc.login(), 303, NOT_KEPT)


async def _given(request: Request) -> str | None:
    """The token in the address or in the submitted form; None where there is neither."""
    if NAME in request.query_params:
        return request.query_params[NAME]
    if request.method != "POST":
        return None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    values = parse_qs(body.decode("utf-8", "replace")).get(NAME)
    return values[-1].strip() if values else None


def _form(
    request: Request, problem: str, status: int, headers: dict[str, str] | None = None
) -> Response:
    """The page that asks for the token; a line of text where a program asks."""
    if "text/html" not in request.headers.get("accept", ""):
        text = problem or "A token is needed: open the link that sextant serve printed."
        return PlainTextResponse(f"{text}\n", status, {**(headers or {}), **NOT_KEPT})
    return _page("login.html", problem, status, headers)


def _page(body: str, problem: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """A page of the door, which loads nothing."""
    html = (ASSETS / "door.html").read_text("utf-8")
    html = html.replace("{{ body }}", (ASSETS / body).read_text("utf-8").strip())
    headers = {**(headers or {}), **NOT_KEPT}
    headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    )
    return HTMLResponse(html.replace("{{ problem }}", escape(problem)), status, headers)


def _address(asked: HTTPConnection) -> str:
    return asked.client.host if asked.client else ""


def _cookie_name(asked: HTTPConnection) -> str:
    """Browsers send the cookies of all ports of a host."""
    return f"sextant_{(asked.scope.get('server') or ('', 0))[1]}"
