"""What protects this server, and what does not, as it was started."""

import os

import streamlit as st

from core.workbench import tasks
from pages.parts import formatting, oidc, state
from pages.parts.access import FAILED_EACH, LOCAL_NAMES, WAIT_S

OIDC = """[auth]
redirect_uri = "https://sextant.example.org/oauth2callback"
cookie_secret = "32 random characters or more"
client_id = "of the provider"
client_secret = "of the provider"
server_metadata_url = "https://accounts.example.org/.well-known/openid-configuration"
allow = ["ada@example.org", "@example.com"]
"""
ABOUT_OIDC = (
    "Who is on the list `allow` can log in by a provider of OpenID Connect, with `sextant serve "
    "--host 0.0.0.0 --oidc FILE` (and `pip install 'sextant-embeddings[oidc]'`). The list names "
    "addresses that the provider has verified, domains, or its own ids (`sub`)."
)
TUNNEL = "ssh -L 8501:localhost:8501 COMPUTER"


def show() -> None:
    """Two lists: protected, and not protected."""
    for title, rows in (("Protected", _protected()), ("Not protected", _open())):
        st.markdown(f"#### {title}", anchors=False)
        lines = [f"- **{name}**: {sentence}" for name, sentence in rows.items()]
        st.markdown("\n".join(lines), width=860)
    with st.expander("Login by a provider (OpenID Connect)", key="_oidc"):
        st.markdown(ABOUT_OIDC, width=860)
        st.code(OIDC, language="toml", width=860)


def _is_local() -> bool:
    return st.get_option("server.address") in LOCAL_NAMES


def _has_login() -> bool:
    return bool(os.environ.get("SEXTANT_TOKEN")) or oidc.of_settings() is not None


def _protected() -> dict[str, str]:
    return {
        **({"Login": _login()} if _has_login() else {}),
        **({"Network": "The server answers only this computer."} if _is_local() else {}),
        "Files": _files(),
        "Uploads": f"At most {st.get_option('server.maxUploadSize'):,} MB a file. Images and "
        "tables are decoded within a budget of memory (`sextant serve --memory`).",
        "Other sites": "A page of another site cannot talk to this server: the origin of every "
        "websocket and the token of every upload are checked"
        f"{', and the name of the host' if _is_local() else ''}.",
        "Texts": "Texts, names and attributes are shown as text, never as HTML; no pickle is "
        "loaded.",
        "Errors": "A page shows what to do; where it failed is in the log of the server only.",
        "Data": "No text, image or statistic is sent anywhere. An encoder from the hub is "
        "downloaded when it is chosen.",
    }


def _open() -> dict[str, str]:
    everybody = "Everybody who is let in" if _has_login() else "Everybody who reaches the server"
    return {
        **({} if _has_login() else {"Login": _no_login()}),
        "Rights": f"{everybody} can read, change and delete all collections. There are no roles, "
        "and no record of who did what.",
        "Encryption": _encryption(),
        "Disk": f"{formatting.plain(state.workbench().uri)} is not encrypted. A new home can be "
        "read by its user only; `sextant doctor` says whether this one can be read by others.",
        "Load": "Nobody has a share of processor and memory: one who is let in can slow down all "
        "others.",
        "Health": "`/_stcore/health` answers without a login.",
    }


def _login() -> str:
    if oidc.of_settings() is not None:
        return (
            "Every page, script, image, upload and websocket needs a login by the provider of this "
            f"server, and a name on its list. It lasts 30 days; [Log out]({oidc.LOGOUT})."
        )
    return (
        "Every page, script, image, upload and websocket needs a cookie, which the token of the "
        f"printed link gives. After {FAILED_EACH} wrong tokens an address waits {WAIT_S:.0f} "
        "seconds; a restart makes a new token and ends all logins."
    )


def _no_login() -> str:
    if _is_local():
        return (
            "Every user and program of this computer can open the app. With `sextant serve "
            "--token` it asks for a token."
        )
    return "The server was started with `--no-token`: every computer that reaches it is let in."


def _files() -> str:
    root = tasks.allowed_root()
    if root is None:
        return "No file of this computer is read by path (`sextant serve --root DIR` allows one)."
    return (
        f"By path only files in {formatting.plain(root)} are read, hidden ones and links that lead "
        "out of it excepted."
    )


def _encryption() -> str:
    if _is_local():
        return f"None, and none is needed on one computer. To use it from another: `{TUNNEL}`"
    return (
        "None: logins and all data can be read on the way. Put a proxy with TLS before the "
        f"server, or leave out `--host` and use `{TUNNEL}`"
    )
