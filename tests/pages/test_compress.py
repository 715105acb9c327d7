"""Compress: ways, a suggestion, who loses, kept and used by search; links that make no sense."""

import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from core.workbench import Workbench
from tests.fixtures.screens import TOP, run, words

PAGE = "pages/improve/compress.py"


@pytest.fixture
def app(monkeypatch, filled):
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    app.run()
    app.switch_page(PAGE)
    return app


def settled(app, home, **asked):
    """Run until the work behind the page has ended."""
    run(app, **asked)
    for _ in range(120):
        if not [job for job in Workbench(home).jobs.all() if job.state == "running"]:
            break
        time.sleep(0.5)
    return run(app)


def test_a_way_is_measured_kept_and_used_by_search(app, filled):
    settled(app, filled, collection="colours", way="int8")
    said = [box.value for boxes in (app.success, app.info) for box in boxes]
    assert any(re.search(r"recall\\?@10", text) for text in said)
    assert "Who loses" in words(app) and "Queries that changed" in words(app)
    next(b for b in app.button if b.label == "Keep for search").click()
    run(app)
    bench = Workbench(filled)
    assert bench.kept_way(bench.open("colours"))["way"] == "int8"
    app.switch_page("pages/explore/search.py")
    run(app, q="red", first="compressed")
    assert next(s for s in app.selectbox if s.key == "_first").value == "compressed"


def test_studies_are_measured_when_asked_and_say_what_they_lack(app, filled):
    settled(app, filled, collection="colours")
    assert "Fewer layers of the encoder" in [e.label for e in app.expander]
    for verb in ("budget_rows", "depth_grid"):
        next(b for b in app.button if b.key == f"_measure_{verb}").click()
        run(app)
    settled(app, filled)
    assert any("recall@10, none" in frame.value for frame in app.dataframe)
    assert any("shows no layers" in box.value for box in app.warning)


def test_a_link_with_an_unknown_way_says_what_there_is(app, filled):
    settled(app, filled, collection="colours", also_way="zip", way="nonsense", recall="7")
    assert any("zip" in box.value for box in app.warning)
    assert "sextant compress colours --json" in [code.value for code in app.code]
    assert "Who loses" in words(app)


def test_the_command_measures_what_the_page_shows(app, filled):
    settled(app, filled, collection="colours", also_way="rabitq:bits=3", recall="0.95")
    command = next(code.value for code in app.code if "--only" in code.value)
    ways = command.split("--only ")[1].split(" ")[0].split(",")
    assert {"rabitq:bits=3", "int8", "float32"} <= set(ways)
    assert command.endswith("--recall 0.95 --json")
