"""`sextant serve` and `sextant demo`: the app's server, by default for this machine only."""

from __future__ import annotations

import argparse
import errno
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import TOP
from core.cli.ingest import use_memory
from core.cli.output import Progress, log, print_json
from core.errors import InputError, MissingPart

if TYPE_CHECKING:
    from core.workbench import Workbench

PORTS_TRIED = 20
LOCAL = ("localhost", "127.0.0.1", "::1")
EVERY = ("0.0.0.0", "::")
SHORTEST_TOKEN = 16
ARENAS = "2"  # heaps of the server
OIDC = (
    "client_id",
    "client_secret",
    "server_metadata_url",
    "redirect_uri",
    "cookie_secret",
    "allow",
)
CALLBACK = "/oauth2callback"


def demo(workbench: Workbench, options: argparse.Namespace) -> None:
    """Build the demo collection, and open the app while it is built."""
    if options.json and not options.build_only:
        raise InputError("--json prints what was built. Add --build-only, or leave it out.")
    if options.build_only:
        progress = Progress("images")
        report = workbench.build_demo(progress)
        progress.end()
        return print_json(report.to_dict(), options) if options.json else None
    from core.workbench import tasks

    tasks.start(workbench, "build_demo", "Building the demo collection", name="demo")
    return serve(workbench, options)


def serve(workbench: Workbench, options: argparse.Namespace) -> None:
    """Run the app until it is stopped.

    Other computers reach it with the token in the printed link or with a login by the provider that
    --oidc names, and read only the folder that --root names.

    Raises:
        InputError: no free port at or after the given one, no such address, no such folder, or a
            file that does not describe a provider.
        MissingPart: --oidc needs a package that is not installed.
    """
    use_memory(options)
    host, port = options.host, _free_port(options.host, options.port)
    settings = _settings(host, port, not options.no_browser, debug=_debug(options))
    provider = _provider(options)
    settings["secrets.files"] = [str(options.oidc.expanduser().resolve())] if provider else []
    environment = {**os.environ, "SEXTANT_HOME": workbench.uri, "SEXTANT_TOKEN": _token(options)}
    # Every run of a page is a thread. glibc gives each of the first sixteen or so its own heap, and
    # what a page needed once stays with each: memory grew for as long as visitors came.
    environment.setdefault("MALLOC_ARENA_MAX", ARENAS)
    if options.root:
        environment["SEXTANT_ROOT"] = str(_folder(options.root))
    elif host not in LOCAL:
        environment.setdefault("SEXTANT_ROOT", "")
    _say_where(host, port, environment["SEXTANT_TOKEN"], provider)
    server = subprocess.Popen(
        [sys.executable, "-m", "pages.parts.launch", json.dumps(settings)], env=environment
    )
    # A signal to this process is meant for the server too.
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        raise


def _debug(options: argparse.Namespace) -> bool:
    """Whether the browser shows tracebacks.

    Raises:
        InputError: other computers would see them, with the paths of this one.
    """
    if options.debug and options.host not in LOCAL:
        raise InputError("--debug shows tracebacks to every browser. Leave out --host with it.")
    return bool(options.debug)


def _token(options: argparse.Namespace) -> str:
    """The token that a browser must give; "" for none.

    Raises:
        InputError: $SEXTANT_TOKEN is short enough to be guessed.
    """
    own = os.environ.get("SEXTANT_TOKEN", "")
    if options.oidc:
        return ""
    if not (options.token if options.token is not None else own or options.host not in LOCAL):
        return ""
    if own and len(own) < SHORTEST_TOKEN:
        raise InputError(
            f"SEXTANT_TOKEN has {len(own)} characters; it needs at least {SHORTEST_TOKEN}. "
            "Without it, a new token is made at every start."
        )
    return own or secrets.token_urlsafe(24)


def _provider(options: argparse.Namespace) -> dict[str, Any]:
    """The section [auth] of the file that --oidc names; empty without it.

    Raises:
        InputError: the file cannot be read, or lacks something.
        MissingPart: the package for it is not installed.
    """
    if options.oidc is None:
        return {}
    if options.token is not None:
        raise InputError("--oidc takes the place of the token. Leave out --token and --no-token.")
    path = options.oidc.expanduser()
    try:
        found = tomllib.loads(path.read_text("utf-8")).get("auth")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as TOML ({error}).") from error
    section: dict[str, Any] = found if isinstance(found, dict) else {}
    lacks = [name for name in OIDC if not section.get(name)]
    if lacks:
        raise InputError(f"{path} lacks in [auth]: {', '.join(lacks)}. See More > Security.")
    if not str(section["redirect_uri"]).endswith(CALLBACK):
        raise InputError(f"redirect_uri in {path} must be the address of the app with {CALLBACK}.")
    if len(str(section["cookie_secret"])) < 2 * SHORTEST_TOKEN:
        raise InputError(f"cookie_secret in {path} needs at least {2 * SHORTEST_TOKEN} characters.")
    if not isinstance(section["allow"], list):
        raise InputError(f'allow in {path} must be a list such as ["ada@example.org"].')
    if find_spec("authlib") is None or find_spec("httpx") is None:
        raise MissingPart("--oidc needs Authlib: pip install 'sextant-embeddings[oidc]'")
    return section


def _say_where(host: str, port: int, token: str, provider: dict[str, Any]) -> None:
    """Print the link, and a warning where other computers can open it."""
    query = f"/?token={token}" if token else ""
    where = socket.gethostname() if host in EVERY else f"[{host}]" if ":" in host else host
    address = str(provider.get("redirect_uri", "")).removesuffix(CALLBACK)
    log(f"Sextant is at {address or f'http://{where}:{port}{query}'} (stop with Ctrl-C)")
    if host not in LOCAL:
        who = "computer with this link" if token else "computer that can reach this one"
        who = "person who is allowed to log in" if provider else who
        open_way = "" if address.startswith("https:") else ", and what is sent is not encrypted"
        log(
            f"Warning: every {who} can read, change and delete all collections of this home"
            f"{open_way} (see More > Security)."
        )


def _settings(host: str, port: int, browser: bool, *, debug: bool) -> dict[str, Any]:
    """Streamlit's options: no telemetry, our theme, and no watching of source files."""
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": not browser,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": 1000 if host in LOCAL else 200,
        "server.showEmailPrompt": False,
        "runner.magicEnabled": False,
        # It would stop every visitor after each run of one; Python collects garbage by itself.
        "runner.postScriptGC": False,
        "browser.gatherUsageStats": False,
        # It asks a server on the internet for this computer's address, and lacks the token.
        "logger.hideWelcomeMessage": True,
        "client.toolbarMode": "minimal",
        "client.showErrorLinks": False,
        # Said of a widget whose run was interrupted between its value and itself.
        "global.disableWidgetStateDuplicationWarning": True,
        "client.showErrorDetails": "full" if debug else "none",
        "theme.base": str(TOP / "assets" / "theme.toml"),
    }


def _folder(path: Path) -> Path:
    if not path.expanduser().is_dir():
        raise InputError(f"There is no folder {path}.")
    return path.expanduser().resolve()


def _free_port(host: str, first: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(first, min(first + PORTS_TRIED, 2**16)):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise InputError(
                        f"'{host}' is not an address of this computer ({error.strerror}). "
                        "Use localhost, or 0.0.0.0 for every network."
                    ) from error
                continue
            return port
    raise InputError(
        f"Ports {first} to {first + PORTS_TRIED - 1} on {host} are in use or need more rights. "
        "Give another one with --port."
    )
