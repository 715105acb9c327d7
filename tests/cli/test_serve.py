"""The server stops with the command that started it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress

import pytest

from core.cli import main


def listening(port):
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("localhost", port)) == 0


def until(true, seconds=60):
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:
        time.sleep(0.1)
    return true()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_the_server_ends_with_the_command(tmp_path):
    command = [sys.executable, "-c", "from core.cli import main; main()", "serve", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", "8970", "--home", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        port = int(re.search(r":(\d+) ", process.stderr.readline())[1])
        assert until(lambda: listening(port))
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        assert until(lambda: not listening(port), 10)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the server too, where it was left behind
        process.stderr.close()


class Server:
    """In place of the server: what it was started with."""

    def __init__(self, command, env):
        Server.env = env

    def wait(self):
        pass

    terminate = wait


def test_a_root_is_what_paths_may_be_typed_in(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("subprocess.Popen", Server)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert main(["serve", "--no-browser", "--root", "data"]) == 0
    assert Server.env["SEXTANT_ROOT"] == str(tmp_path / "data")
    assert main(["serve", "--no-browser", "--root", "nowhere"]) == 2
    assert "There is no folder nowhere." in capsys.readouterr().err


def test_an_address_of_another_computer_is_named(capsys):
    assert main(["serve", "--no-browser", "--host", "nowhere.invalid"]) == 2
    assert "'nowhere.invalid' is not an address of this computer" in capsys.readouterr().err
