"""The README: short, its Python block runs, its commands exist, its figures are those measured."""

import json
import re
import shlex
from functools import partial
from pathlib import Path

import pytest

from core.cli.parser import build_parser
from core.ingest import demo

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text("utf-8")
FIGURE = re.compile(r"^- (.*?)\((?:\[\w+\])\((assets/results/[\w-]+\.json)\)\)", re.M | re.S)


def numbers(value):
    """Every number in a JSON value, also those within its texts."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return {number for part in parts for number in numbers(part)}
    return {float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", str(value))}


def test_the_readme_is_read_in_five_minutes():
    assert len(README.splitlines()) <= 200


def test_the_first_python_block_runs_with_an_empty_home(monkeypatch, capsys):
    """As it stands, on a few drawings in place of all and the toy encoder."""
    monkeypatch.setattr("core.workbench.ingest.DEFAULT_ENCODER", "toy")
    few = partial(demo.draw_demo, only=slice(0, 60))
    monkeypatch.setattr("core.ingest.demo.draw_demo", few)
    block = re.search(r"```python\n(.*?)```", README, re.S)[1]
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    assert len(names["items"]) == len(names["demo"].space.vectors) == names["demo"].space.n
    assert names["items"]["id"].tolist() == list(names["demo"].space.ids)
    assert {f.name for f in names["findings"]} == {"hubness", "modality_gap"}
    assert names["result"].sentence in capsys.readouterr().out


@pytest.mark.parametrize("command", re.findall(r"^sextant .*|(?<=`)sextant [^`]*", README, re.M))
def test_a_command_of_the_readme_exists(command):
    build_parser().parse_args(shlex.split(command)[1:])


def test_headline_figures_are_those_of_the_results():
    figures = FIGURE.findall(README)
    assert len(figures) in (3, 4)
    for text, path in figures:
        bold = " ".join(re.findall(r"\*\*(.+?)\*\*", text))
        assert numbers(bold)
        assert numbers(bold) <= numbers(json.loads((TOP / path).read_text("utf-8"))), path


def test_links_of_the_readme_lead_somewhere():
    for path in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (TOP / path).exists(), path
