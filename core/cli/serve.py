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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import TOP
from core.cli.ingest import use_memory
from core.cli.output import Progress, log, print_json
from core.errors import InputError

if TYPE_CHECKING:
    from core.workbench import Workbench

PORTS_TRIED = 20
LOCAL = ("localhost", "127.0.0.1", "::1")
SHORTEST_TOKEN = 16


def demo(workbench: Workbench, options: argparse.Namespace) -> None:
    """Build the demo collection, and open the app while it is built."""
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

    Other computers reach it with the token in the printed link, and read only the folder that
    --root names.

    Raises:
        InputError: no free port at or after the given one, no such address, or no such folder.
    """
    use_memory(options)
    host, port = options.host, _free_port(options.host, options.port)
    settings = _settings(host, port, not options.no_browser, debug=_debug(options))
    environment = {**os.environ, "SEXTANT_HOME": workbench.uri, "SEXTANT_TOKEN": _token(options)}
    if options.root:
        environment["SEXTANT_ROOT"] = str(_folder(options.root))
    elif host not in LOCAL:
        environment.setdefault("SEXTANT_ROOT", "")
    _say_where(host, port, environment["SEXTANT_TOKEN"])
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
    if not (options.token if options.token is not None else own or options.host not in LOCAL):
        return ""
    if own and len(own) < SHORTEST_TOKEN:
        raise InputError(
            f"SEXTANT_TOKEN has {len(own)} characters; it needs at least {SHORTEST_TOKEN}. "
            "Without it, a new token is made at every start."
        )
    return own or secrets.token_urlsafe(24)


def _say_where(host: str, port: int, token: str) -> None:
    """Print the link, and a warning where other computers can open it."""
    query = f"/?token={token}" if token else ""
    where = socket.gethostname() if host == "0.0.0.0" else host
    log(f"Sextant is at http://{where}:{port}{query} (stop with Ctrl-C)")
    if host not in LOCAL:
        who = "with this link" if token else "that can reach this one"
        log(
            f"Warning: every computer {who} can read, change and delete all collections of this "
            "home, and what is sent is not encrypted (see More > Security)."
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
        "client.showErrorDetails": "full" if debug else "none",
        "theme.base": str(TOP / "assets" / "theme.toml"),
    }


def _folder(path: Path) -> Path:
    if not path.expanduser().is_dir():
        raise InputError(f"There is no folder {path}.")
    return path.expanduser().resolve()


def _free_port(host: str, first: int) -> int:
    for port in range(first, min(first + PORTS_TRIED, 2**16)):
        with socket.socket() as probe:
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
