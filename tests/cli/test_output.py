"""What is shown on standard error while a command runs."""

import json
from argparse import Namespace

from core.cli.output import EncoderSteps, Progress, echo, print_json
from core.encoders import Step


def test_no_control_character_reaches_a_terminal_in_json(capsys):
    """U+009B begins a command of a terminal as ESC [ does."""
    document = {"caption": "a\x9b31m\x7f\x85\x1b", "é": "雪"}
    print_json(document, Namespace(command="sextant search"))
    out = capsys.readouterr().out
    assert json.loads(out) == {**document, "command": "sextant search"}
    assert out.rstrip("\n").isprintable() and "\\u009b31m\\u007f\\u0085" in out and "雪" in out


class Terminal:
    """Standard error with a screen: what a line shows after each carriage return."""

    def __init__(self, is_a_terminal):
        self.isatty = lambda: is_a_terminal
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def long_step():
    return Step("clip (texts)", "converting to OpenVINO", 1, 3, started=-1e6)


def watched(monkeypatch, *, terminal):
    """What a run shows in which one step ends and a result is printed, then another goes on."""
    error = Terminal(terminal)
    monkeypatch.setattr("sys.stderr", error)
    running, left = [long_step()], [False, False, True]
    with EncoderSteps(lambda: tuple(running), lambda seconds: left.pop(0)):
        progress = Progress("records")
        progress(0, 10)
        while "converting" not in error.text:
            pass
        running.clear()
        progress(10, 10)
        progress.end()
        echo("the result")
    return error.text


def test_in_a_file_each_step_has_a_line_when_it_begins_and_when_it_ends(monkeypatch, capsys):
    lines = watched(monkeypatch, terminal=False).splitlines()
    begun, ended = (line for line in lines if line.startswith(long_step().name))
    assert begun == f"{long_step().name} ..."
    assert ended.endswith(" s")
    assert "The encoder is being prepared for a quicker next start; Ctrl+C ends that." in lines
    assert capsys.readouterr().out == "the result\n"


def test_on_a_terminal_steps_and_progress_share_a_line(monkeypatch, capsys):
    text = watched(monkeypatch, terminal=True)
    shown = [line.strip() for line in text.split("\r")]
    assert any("records" in line and " · clip (texts)" in line for line in shown)
    assert capsys.readouterr().out == "the result\n"
