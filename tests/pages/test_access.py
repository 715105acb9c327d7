"""The check before every request: host names, the token, its cookie and its limit."""

import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit.testing.v1 import AppTest

from pages.parts import access
from tests.fixtures.behind_door import answer, stream
from tests.fixtures.browser import TOP

TOKEN = "correct horse battery staple"
STREAM = "ws://box:8501/_stcore/stream"
HTML = {"accept": "text/html"}
pytestmark = pytest.mark.hardening


PATHS = ("/", "/map", "/media/a.png", "/_stcore/upload_file/a/b", "/thumbnails/a/b", access.HEALTH)
SERVER = Starlette(
    routes=[
        *(Route(path, answer, methods=["GET", "POST", "PUT"]) for path in PATHS),
        WebSocketRoute("/_stcore/stream", stream),
    ]
)


@pytest.fixture
def client():
    return TestClient(access.Access(SERVER, TOKEN), base_url="http://box:8501")


def test_without_the_token_nothing_is_answered_but_that_the_server_runs(client):
    for path in PATHS:
        for method in ("GET", "POST", "PUT"):
            said = client.request(method, path)
            assert (said.text == "inside") == (path == access.HEALTH)
            assert said.status_code == (200 if path == access.HEALTH else 401)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(STREAM):
        pass


def test_the_link_leads_to_the_same_page_without_the_token(client):
    said = client.get(f"/map?q=a+b&token={TOKEN}&collection=x", follow_redirects=False)
    assert (said.status_code, said.headers["location"]) == (303, "/map?q=a+b&collection=x")
    assert "httponly" in said.headers["set-cookie"].lower()
    assert TOKEN not in said.headers["set-cookie"]
    assert all(client.get(path).text == "inside" for path in PATHS)
    with client.websocket_connect(STREAM) as websocket:
        assert websocket.receive_text() == "inside"


def test_the_form_lets_in_and_says_what_is_wrong(client):
    assert "<form" in client.get("/map", headers=HTML).text
    wrong = client.post("/map", data={"token": "<b>wrong</b>"}, headers=HTML)
    assert (wrong.status_code, "This is not the token" in wrong.text) == (401, True)
    assert client.post("/map", data={"token": TOKEN}, headers=HTML).text == "inside"


@pytest.mark.parametrize("cookie", ["", TOKEN, "é", "x" * 5000])
def test_no_other_cookie_lets_in(client, cookie):
    said = client.get("/", headers={"cookie": f"sextant_8501={cookie}".encode()})
    assert said.status_code == 401


def test_wrong_tokens_are_limited_also_for_the_right_one_but_not_for_those_inside(
    client, monkeypatch
):
    inside = TestClient(client.app, base_url="http://box:8501")
    inside.get("/", params={"token": TOKEN})
    for n in range(access.FAILED_EACH):
        assert client.get("/", params={"token": f"guess {n}"}).status_code == 401
    blocked = client.get("/", params={"token": TOKEN})
    assert (blocked.status_code, blocked.headers["retry-after"]) == (429, "60")
    assert inside.get("/").text == "inside"
    now = access.monotonic()
    monkeypatch.setattr(access, "monotonic", lambda: now + access.WAIT_S + 1)
    assert client.get("/", params={"token": TOKEN}).text == "inside"


def test_the_way_back_stays_on_this_server(client):
    said = client.get(f"http://box:8501//evil.example/x?token={TOKEN}", follow_redirects=False)
    assert said.headers["location"] == "/evil.example/x"


def test_a_large_or_broken_form_is_no_token(client):
    for body in (b"token=" + b"x" * 10_000, b"\xff\xfe", b"other=1", b""):
        assert client.post("/", content=body).status_code == 401


def test_a_name_of_another_site_is_refused_where_names_are_given():
    local = TestClient(access.Access(SERVER, hosts=access.LOCAL_NAMES), base_url="http://localhost")
    assert local.get("/map").text == "inside"
    assert local.get("/map", headers={"host": "[::1]:8501"}).text == "inside"
    for name in ("evil.example", "localhost.evil.example", "evil.example:8501"):
        assert local.get("/map", headers={"host": name}).status_code == 421


def test_the_page_says_what_is_and_is_not_protected(monkeypatch, home):
    monkeypatch.chdir(TOP)
    monkeypatch.setenv("SEXTANT_TOKEN", TOKEN)
    monkeypatch.setenv("SEXTANT_ROOT", "")
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=90).run()
    app.switch_page("pages/about/security.py").run()
    assert not app.exception
    said = "\n".join(one.value for one in app.markdown)
    assert "**Login**: Every page" in said
    assert "No file of this computer is read by path" in said
    assert TOKEN not in said
