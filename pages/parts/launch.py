"""The app's server, as `sextant serve` runs it: `python -m pages.parts.launch OPTIONS` (JSON)."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from time import monotonic

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp
from streamlit import config, file_util
from streamlit.cli_util import open_browser
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.media_file_manager import MediaFileManager, MediaFileMetadata
from streamlit.runtime.pages_manager import PagesManager
from streamlit.starlette import App
from streamlit.web.server.server_util import get_url

from core import ASSETS, TOP
from pages.parts import oidc, thumbnails
from pages.parts.access import LOCAL_NAMES, NAME, Access

# Until `st.navigation` has run once in a process, Streamlit lists the folder `pages` as pages, and
# a first visit by a deep link gets "Page not found".
PagesManager.uses_pages_directory = False
KEPT_S = 60.0  # a file that was made for a click


def _clear_queue(session: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
    """Drop what a run replaces before it is sent, with the fragments inside those that run.

    Streamlit 1.67 keeps the latter. They then belong nowhere in the browser, which stops with "Bad
    delta path": after a quick second keystroke the tab was dead until it was loaded again.
    """
    ids, storage = fragment_ids_this_run, session._fragment_storage
    if ids:
        inside = storage.ids_registered_after(0)
        ids = [*ids, *(id_ for id_ in inside if storage.has_ancestor_in(id_, ids))]
    session._browser_queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=ids)


AppSession._clear_queue = _clear_queue  # type: ignore[method-assign]


def _mark(file: MediaFileMetadata) -> None:
    """Note when a file was first found to be on no page."""
    vars(file).setdefault("marked", monotonic())


def _is_marked(file: MediaFileMetadata) -> bool:
    """Whether that was a while ago.

    Streamlit 1.67 deletes a download at the end of the second run of anybody since it was made:
    among several visitors before a slow browser has fetched it, which then gets 404.
    """
    return monotonic() - vars(file).get("marked", inf) > KEPT_S


MediaFileMetadata.mark_for_delete = _mark  # type: ignore[method-assign]
MediaFileMetadata.is_marked_for_delete = property(_is_marked)  # type: ignore[method-assign,assignment]


def _drop_callables(files: MediaFileManager) -> None:
    """Drop what makes the downloads of earlier runs, but for the last run before, for a while.

    Streamlit 1.67 drops it at the end of a run: a click on a button whose successor the browser has
    not drawn yet saved nothing.
    """
    shown = {id_ for ids in files._files_by_session_and_coord.values() for id_ in ids.values()}
    before = set[tuple[str, ...]]()
    for id_, made in reversed(list(files._deferred_callables.items())):  # newest first
        if id_ in shown:
            continue
        button = made["session_id"], made["coordinates"], made["element_id"]
        left: float = made.setdefault("left", monotonic())  # type: ignore[typeddict-item]
        if button in before or monotonic() - left > KEPT_S:
            files._drop_deferred_id(id_)
        before.add(button)


MediaFileManager._remove_orphaned_deferred_callables = _drop_callables  # type: ignore[method-assign]

# Streamlit's scripts of the parts of a first screen, which its page else asks for one by one,
# and of the figures of later ones.
_EARLY = ("BidiComponent", "Selectbox", "ButtonGroup", "TextInput", "Slider", "MenuButton", "Html")
_LATER = ("PlotlyChart",)

# Not an option: the arguments of a process can be read by every user of the computer.
TOKEN = os.environ.get("SEXTANT_TOKEN", "")


async def _page(request: Request) -> HTMLResponse:
    """Streamlit's page with our settings of the browser, see assets/browser.js."""
    static = Path(file_util.get_static_dir())
    links = "".join(
        f'<link rel="{when}" href="./static/js/{path.name}">'
        for when, names in (("modulepreload", _EARLY), ("prefetch", _LATER))
        for name in names
        for path in static.glob(f"static/js/{name}.*.js")
    )
    settings = f"<script>{(ASSETS / 'browser.js').read_text('utf-8')}</script>"
    html = (static / "index.html").read_text("utf-8")
    html = html.replace("<head>", f"<head>{settings}{links}", 1)
    return HTMLResponse(html, headers={"Cache-Control": "no-cache"})


@asynccontextmanager
async def _browser(app: App) -> AsyncIterator[None]:
    """Open a browser, unless the options say otherwise."""
    if not config.get_option("server.headless"):
        address = config.get_option("server.address")
        name = f"[{address}]" if ":" in address else address
        url = get_url("localhost" if address in ("0.0.0.0", "::") else name)
        open_browser(f"{url}/?{NAME}={TOKEN}" if TOKEN else url)
    yield


def _access(server: ASGIApp) -> Access:
    """The check before the server; made after its options are set."""
    hosts = config.get_option("server.allowedHosts")
    local = config.get_option("server.address") in LOCAL_NAMES
    return Access(server, TOKEN, hosts or (LOCAL_NAMES if local else ()), oidc.of_settings())


_NAMES = sorted(path.stem for path in TOP.glob("pages/*/*.py") if path.parent.name != "parts")
app = App(
    TOP / "app.py",
    routes=[
        *(Route(path, _page) for path in ("/", *(f"/{name}" for name in _NAMES))),
        thumbnails.route(),
    ],
    middleware=[Middleware(_access)],
    lifespan=_browser,
)

if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    # Streamlit puts the folder of this path first on the module path, not that of this file.
    sys.argv = [str(TOP / "app.py")]
    app.run(config=options)
