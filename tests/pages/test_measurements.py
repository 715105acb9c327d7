"""The Measurements page: every stored figure is shown, and an empty folder says what to run."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import ASSETS
from pages.parts.about import measurements

TOP = Path(__file__).parents[2]
FILES = sorted((ASSETS / "results").glob("*.json"))


@pytest.fixture
def page(monkeypatch):
    """Draw the page and return its Markdown."""

    def draw():
        monkeypatch.chdir(TOP)
        app = AppTest.from_file(str(TOP / "app.py"), default_timeout=90).run()
        app.switch_page("pages/about/measurements.py").run()
        assert not app.exception
        texts = [e.value for kind in ("markdown", "caption", "info") for e in app.get(kind)]
        return "\n".join(texts).replace("\\", "")

    return draw


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_results_has_a_command_and_rows(path):
    table = json.loads(path.read_text("utf-8"))
    assert list(table) == ["title", "command", "when", "about", "rows"]
    assert table["command"].startswith("python -m tests.bench")
    assert table["rows"]
    assert len({tuple(row) for row in table["rows"]}) == 1


def test_every_table_is_shown_with_its_command(page):
    shown = page()
    for table in measurements.tables():
        assert table["title"] in shown
        assert table["command"] in shown
        for row in table["rows"]:
            assert all(measurements.cell(v).replace("\\", "") in shown for v in row.values())


def test_without_results_the_page_says_what_to_run(page, monkeypatch, tmp_path):
    monkeypatch.setattr(measurements, "RESULTS", tmp_path)
    assert "python -m tests.bench NAME" in page()
