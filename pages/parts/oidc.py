"""Login by an OpenID Connect provider, in place of the token: who is let in, and the way there.

Streamlit's own routes (those of `st.login`) talk to the provider and then give the browser a signed
cookie. It is read here before every request, not only before pages.
"""

import json
from collections.abc import Collection
from typing import Any

from starlette.requests import HTTPConnection
from streamlit.auth_util import (
    encode_provider_token,
    get_cookie_with_chunks,
    get_origin_from_redirect_uri,
    get_secrets_auth_section,
)
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

LOGIN, LOGOUT = "/auth/login", "/auth/logout"
ROUTES = (LOGIN, LOGOUT, "/oauth2callback")  # to and from the provider
PROVIDER = "default"


class People:
    """Those whom the provider knows and the list of this server names.

    Args:
        allowed: e-mail addresses that the provider has verified, "@example.org" for all of a
            domain, or subjects (`sub`), which are the provider's own ids.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(name.casefold() for name in allowed)

    def of(self, asked: HTTPConnection) -> dict[str, Any]:
        """Who asks, as the provider describes them; empty before a login."""
        cookie = get_cookie_with_chunks(lambda name: _signed(asked, name), USER_COOKIE_NAME)
        user: dict[str, Any] = json.loads(cookie) if cookie else {}
        here = user.get("origin") == get_origin_from_redirect_uri()
        return user if here and user.get("is_logged_in") is True else {}

    def are(self, user: dict[str, Any]) -> bool:
        """Whether somebody is on the list."""
        names = {str(user.get("sub", "")).casefold()}
        if user.get("email_verified") is True:
            email = str(user.get("email", "")).casefold()
            names |= {email, f"@{email.rpartition('@')[2]}"}
        return bool((names - {"", "@"}) & self._allowed)


def of_settings() -> People | None:
    """The people of `[auth]` in Streamlit's secrets; None where there is no such section."""
    section = get_secrets_auth_section()
    return People(section.get("allow", ())) if section else None


def login() -> str:
    """The address at which a login begins; valid for a few minutes."""
    return f"{LOGIN}?provider={encode_provider_token(PROVIDER)}"


def _signed(asked: HTTPConnection, name: str) -> bytes | None:
    value = asked.cookies.get(name)
    if value is None:
        return None
    return decode_signed_value(get_cookie_secret(), name, value.encode("latin-1", "replace"))
