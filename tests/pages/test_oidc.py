"""Login by a provider, here one of our own: the way there and back, and who is let in."""

import time
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette.starlette_auth_routes import create_auth_routes

from pages.parts import access, oidc
from tests.fixtures.behind_door import answer, stream

httpx = pytest.importorskip("httpx", reason="pip install 'sextant-embeddings[oidc]'")
pytest.importorskip("authlib", reason="pip install 'sextant-embeddings[oidc]'")
pytestmark = pytest.mark.hardening

BOX, STREAM = "http://box:8501", "ws://box:8501/_stcore/stream"
HTML = {"accept": "text/html"}
KEY = RSAKey.generate_key(2048, {"kid": "1"})
ADA = {"sub": "1", "email": "Ada@example.org", "email_verified": True}


class Provider:
    """Lets everybody in as `person`, who may be changed."""

    def __init__(self):
        self.person, self._nonce = ADA, ""
        routes = [
            Route("/.well-known/openid-configuration", self._about),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/keys", self._keys),
        ]
        self.server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=routes), port=0, log_level="critical")
        )

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    async def _about(self, _request):
        ends = {
            "authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"
        }  # fmt: skip
        return JSONResponse(
            {
                "issuer": self.address,
                "id_token_signing_alg_values_supported": ["RS256"],
                **{name: f"{self.address}/{path}" for name, path in ends.items()},
            }
        )

    async def _authorize(self, request):
        asked = request.query_params
        self._nonce = asked["nonce"]
        back = urlencode({"code": "c", "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, _request):
        now = int(time.time())
        claims = {
            **self.person, "iss": self.address, "aud": "sextant", "nonce": self._nonce,
            "iat": now, "exp": now + 60,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, KEY)
        return JSONResponse({"id_token": token, "access_token": "x", "token_type": "Bearer"})

    async def _keys(self, _request):
        return JSONResponse({"keys": [KEY.as_dict(private=False)]})


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    thread = Thread(target=provider.server.run, daemon=True)
    thread.start()
    while not provider.server.started:
        time.sleep(0.01)
    yield provider
    provider.server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(provider, tmp_path):
    provider.person = ADA
    (tmp_path / "oidc.toml").write_text(
        f"""[auth]
        redirect_uri = "{BOX}/oauth2callback"
        cookie_secret = "{"s" * 32}"
        client_id = "sextant"
        client_secret = "{"t" * 32}"
        server_metadata_url = "{provider.address}/.well-known/openid-configuration"
        allow = ["ada@example.org", "@example.com", "id-7"]
        """
    )
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(tmp_path / "oidc.toml")])
    secrets_singleton._reset()
    server = Starlette(
        routes=[
            *create_auth_routes(""),
            Route("/{path:path}", answer),
            WebSocketRoute("/_stcore/stream", stream),
        ],
        middleware=[Middleware(SessionMiddleware, secret_key="s" * 32)],
    )
    yield TestClient(
        access.Access(server, people=oidc.of_settings()), base_url=BOX, follow_redirects=False
    )
    config.set_option("secrets.files", before)
    secrets_singleton._reset()


def log_in(client):
    """From the page to the provider and back."""
    there = client.get("/", headers=HTML)
    to_provider = client.get(there.headers["location"])
    back = httpx.get(to_provider.headers["location"])
    assert back.headers["location"].startswith(f"{BOX}/oauth2callback?")
    return client.get(back.headers["location"])


def test_before_a_login_every_page_leads_to_the_provider_and_nothing_else_is_answered(
    client, provider
):
    there = client.get("/map", headers=HTML)
    assert (there.status_code, urlsplit(there.headers["location"]).path) == (303, oidc.LOGIN)
    to_provider = urlsplit(client.get(there.headers["location"]).headers["location"])
    assert f"http://{to_provider.netloc}" == provider.address
    assert parse_qs(to_provider.query)["redirect_uri"] == [f"{BOX}/oauth2callback"]
    for path in ("/static/a.js", "/thumbnails?of=a&id=b", "/media/a.png"):
        assert client.get(path).status_code == 401
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(STREAM):
        pass


def test_who_is_on_the_list_is_inside_until_logged_out(client):
    log_in(client)
    assert client.get("/map", headers=HTML).text == "inside"
    with client.websocket_connect(STREAM) as websocket:
        assert websocket.receive_text() == "inside"
    client.get(oidc.LOGOUT)
    assert client.get("/map", headers=HTML).status_code == 303


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ({"sub": "id-7"}, 200),
        ({"sub": "2", "email": "any@EXAMPLE.com", "email_verified": True}, 200),
        ({"sub": "2", "email": "bob@example.org", "email_verified": True}, 403),
        ({"sub": "2", "email": "ada@example.org", "email_verified": False}, 403),
        ({"sub": "2", "email": "ada@example.org"}, 403),
        ({"sub": "2", "email": "<b>@example.com.evil.org", "email_verified": True}, 403),
        ({"sub": "2", "email": "", "email_verified": True}, 403),
    ],
    ids=str,
)
def test_only_the_list_decides(client, provider, person, status):
    provider.person = person
    log_in(client)
    said = client.get("/map", headers=HTML)
    assert said.status_code == status
    assert (oidc.LOGOUT in said.text) == (status == 403)
    assert "<b>" not in said.text


@pytest.mark.parametrize("cookie", ["", "x", "é", "e30.e30.e30", "chunks-3", "x" * 5000])
def test_no_other_cookie_lets_in(client, cookie):
    headers = {"cookie": f"_streamlit_user={cookie}".encode()}
    assert client.get("/", headers=headers).status_code == 401
