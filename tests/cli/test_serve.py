"""The server stops with the command that started it."""

import json
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


def test_an_ipv6_address_has_brackets_in_the_link_and_its_own_ports(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("subprocess.Popen", Server)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with socket.socket(socket.AF_INET6) as taken:
        try:
            taken.bind(("::1", 0))
        except OSError:
            pytest.skip("this computer has no IPv6")
        taken.listen()
        port = taken.getsockname()[1]
        main(["--home", str(tmp_path), "serve", "--host", "::1", "--port", str(port)])
    link = re.search(r"http://\[::1\]:(\d+) ", capsys.readouterr().err)
    assert link and port < int(link[1]) == Server.settings["server.port"]


class Server:
    """In place of the server: what it was started with."""

    def __init__(self, command, env):
        Server.env, Server.settings = env, json.loads(command[-1])

    def wait(self):
        pass

    terminate = wait


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Start it with options; what the server was started with."""
    monkeypatch.setattr("subprocess.Popen", Server)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEXTANT_ROOT", raising=False)

    def start(*options):
        assert main(["serve", "--no-browser", *options]) == 0
        return Server.env

    return start


def test_a_root_is_what_paths_may_be_typed_in(started, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    assert started("--root", "data")["SEXTANT_ROOT"] == str(tmp_path / "data")
    assert "SEXTANT_ROOT" not in started()
    assert main(["serve", "--no-browser", "--root", "nowhere"]) == 2
    assert "There is no folder nowhere." in capsys.readouterr().err


@pytest.mark.hardening
def test_for_other_computers_there_is_a_token_a_warning_and_no_folder(started, capsys):
    first, second = started("--host", "0.0.0.0"), started("--host", "0.0.0.0")
    assert first["SEXTANT_ROOT"] == ""
    assert len(first["SEXTANT_TOKEN"]) >= 32
    assert first["SEXTANT_TOKEN"] != second["SEXTANT_TOKEN"]
    said = capsys.readouterr().err
    assert f"/?token={first['SEXTANT_TOKEN']} (" in said
    assert said.count("Warning: every computer with this link can read, change and delete") == 2
    assert Server.settings["server.maxUploadSize"] == 200
    assert first["SEXTANT_TOKEN"] not in json.dumps(Server.settings)
    assert started("--host", "0.0.0.0", "--no-token")["SEXTANT_TOKEN"] == ""
    assert "every computer that can reach this one" in capsys.readouterr().err


@pytest.mark.hardening
def test_on_localhost_there_is_a_token_when_asked_for(started, monkeypatch, capsys):
    assert started()["SEXTANT_TOKEN"] == ""
    assert "token" not in capsys.readouterr().err.lower()
    assert len(started("--token")["SEXTANT_TOKEN"]) >= 32
    monkeypatch.setenv("SEXTANT_TOKEN", "sixteen letters.")
    assert started()["SEXTANT_TOKEN"] == "sixteen letters."
    assert started("--no-token")["SEXTANT_TOKEN"] == ""
    monkeypatch.setenv("SEXTANT_TOKEN", "guessed")
    assert main(["serve", "--no-browser"]) == 2
    assert "SEXTANT_TOKEN has 7 characters; it needs at least 16" in capsys.readouterr().err


def test_only_what_is_built_is_printed_as_json(capsys):
    assert main(["demo", "--json"]) == 2
    assert "Add --build-only" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["serve", "--json"])
    assert "unrecognized arguments: --json" in capsys.readouterr().err


def test_an_address_of_another_computer_is_named(capsys):
    assert main(["serve", "--no-browser", "--host", "nowhere.invalid"]) == 2
    assert "'nowhere.invalid' is not an address of this computer" in capsys.readouterr().err
