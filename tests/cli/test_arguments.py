"""Whatever is typed, a command ends with a result or a sentence, never with a traceback."""

import io
import re
from contextlib import redirect_stdout
from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.cli import main

NUMBERS = ("0", "-1", "-5", "1e3", "1.5", "nan", "inf", "-inf", "1e400", "9" * 40, "", "x", "1 2")
TEXTS = (
    *("", " ", "red", "a.b", "=", "recall@10=nan", "--", "-red", "\udcff", "x" * 5000),
    *('"red" * 1e999', '1e-400*"red"', '0*"red"', "img:x", "img:", "file:nosuch", "file:."),
    *(f"size {op} {n}" for op in ("=", "!=", ">=", "<=", "contains") for n in NUMBERS),
    *("size between 1e400 and -1e400", f"size in (1, {'9' * 40}, nan)", "warm = 2"),
    "warm = true",
    *("label = ", "label in (", "text between 1 and 2", "kind contains 1", "nosuch = 1"),
    "tag >= 1",
)  # fmt: skip
COMMANDS = {
    "search": ["search", "colours"],
    "label": ["label", "colours"],
    "evaluate": ["evaluate", "colours"],
    "diagnose": ["diagnose", "colours", "--only", "mean_cosine"],
    "tokens": ["tokens", "colours"],
    "export": ["export", "colours", "--to", "jsonl"],
}
ENDS = (0, 2, 3)


@cache
def options(command):
    """Options of a command as its help lists them: each name, and what follows it, or ""."""
    with redirect_stdout(io.StringIO()) as text, pytest.raises(SystemExit):
        main([command, "--help"])
    lines = text.getvalue().partition("\na gate for CI")[0]
    found = re.findall(r"^  (?:-\w [A-Z]+, )?(-[-\w]+)(?: ([A-Z=,]+|\{.*?\}))?", lines, re.M)
    return [(name, value) for name, value in found if name not in ("-h", "--home")]


@st.composite
def lines(draw):
    command = draw(st.sampled_from(list(COMMANDS)))
    typed = [*COMMANDS[command]]
    for name, value in draw(st.lists(st.sampled_from(options(command)), min_size=1, max_size=3)):
        known = value.strip("{}").split(",") if value.startswith("{") else NUMBERS + TEXTS
        typed += [name, draw(st.sampled_from(known))] if value else [name]
    return typed + draw(st.lists(st.sampled_from(TEXTS), max_size=1))


def ends(typed):
    """The exit code of a command."""
    try:
        return main(typed)
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize("typed", NUMBERS)
@pytest.mark.parametrize(
    "command",
    [
        "label colours --item x -k", "search colours red -k", "search colours red --miss",
        "tokens colours --keep", "tokens colours --ratio", "serve --port", "demo --port",
    ],
)  # fmt: skip
def test_a_number_outside_its_range_is_rejected(command, typed, capsys):
    if (command, typed) == ("tokens colours --keep", "x"):
        typed = "257"
    assert ends([*command.split(), typed]) == 2
    assert re.search(
        r"allowed: (whole )?numbers from|expected one argument", capsys.readouterr().err
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=lines())
@example(typed=["search", "colours", "red", "--where", "size = 1e400"])
@example(typed=["diagnose", "colours", "--only", "mean_cosine", "--report", "\udcff"])
@example(typed=["search", "colours", "red", "--where", f"size <= -{'9' * 400}"])
def test_odd_arguments_end_in_a_result_or_a_sentence(filled, monkeypatch, tmp_path, typed):
    monkeypatch.chdir(tmp_path)
    assert ends(typed) in ENDS, typed
