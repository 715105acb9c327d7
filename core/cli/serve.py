"""Starts the app's server, on this machine only unless told otherwise."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

from core import TOP
from core.errors import InputError

PORTS_TRIED = 20


def serve(home: str, host: str, port: int, *, browser: bool) -> None:
    """Run the app until it is stopped.

    Args:
        home: where the collections are.
        host: address to listen on; "localhost" is reached from this machine only.
        port: the first port to try; the next free one is taken.
        browser: open a browser.

    Raises:
        InputError: no free port.
    """
    port = _free_port(host, port)
    sys.stderr.write(f"Sextant is at http://{host}:{port} (stop with Ctrl-C)\n")
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pages.parts.launch",
            "run",
            str(TOP / "app.py"),
            *flags(host, port, browser),
        ],
        env={**os.environ, "SEXTANT_HOME": home},
    )
    # Whoever stops this process means the server too.
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        raise


def flags(host: str, port: int, browser: bool) -> list[str]:
    """Streamlit's options: quiet, local, our theme, and no watching of source files."""
    options = {
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
        "theme.base": TOP / "assets" / "theme.toml",
    }
    return [
        part
        for k, v in options.items()
        for part in (f"--{k}", str(v).lower() if isinstance(v, bool) else str(v))
    ]


def _free_port(host: str, first: int) -> int:
    for port in range(first, first + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise InputError(f"Ports {first} to {first + PORTS_TRIED - 1} on {host} cannot be listened on.")
