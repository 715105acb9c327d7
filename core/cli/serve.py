"""`sextant serve` and `sextant demo`: the app's server, by default for this machine only."""

from __future__ import annotations

import argparse
import errno
import json
import os
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

    Raises:
        InputError: no free port at or after the given one, no such address, or no such folder.
    """
    use_memory(options)
    root = {"SEXTANT_ROOT": str(_folder(options.root))} if options.root else {}
    host, port = options.host, _free_port(options.host, options.port)
    log(f"Sextant is at http://{host}:{port} (stop with Ctrl-C)")
    settings = _settings(host, port, not options.no_browser, debug=_debug(options))
    server = subprocess.Popen(
        [sys.executable, "-m", "pages.parts.launch", json.dumps(settings)],
        env={**os.environ, "SEXTANT_HOME": workbench.uri, **root},
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
    if options.debug and options.host not in ("localhost", "127.0.0.1", "::1"):
        raise InputError("--debug shows tracebacks to every browser. Leave out --host with it.")
    return bool(options.debug)


def _settings(host: str, port: int, browser: bool, *, debug: bool) -> dict[str, Any]:
    """Streamlit's options: no telemetry, our theme, and no watching of source files."""
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": not browser,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": 1000,
        "server.showEmailPrompt": False,
        "runner.magicEnabled": False,
        "browser.gatherUsageStats": False,
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
