"""A home written by version 0.1.0 is read as it is: nothing is lost and nothing is computed again.

`tests/fixtures/home_0_1` holds it (16 images and captions, the toy encoder) and the numbers that
version gave.
"""

import json
from pathlib import Path
from shutil import rmtree
from zipfile import ZipFile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.measure.projections import PROJECTIONS
from core.store.home import FORMAT
from core.types import Part, Query
from core.workbench import Workbench
from tests.fixtures.screens import TOP, cards, run

FIXTURE = Path(__file__).parents[1] / "fixtures" / "home_0_1"
EXPECTED = json.loads((FIXTURE / "expected.json").read_text("utf-8"))
SAVED = (
    {"q": "a blue square", "miss": "0.2"},
    {
        "q": "a red square",
        "kinds": "image",
        "words": "rrf",
        "first": "muvera",
        "hubs": "nnn",
        "expected": "0.3",
    },
)


@pytest.fixture
def bench(home):
    with ZipFile(FIXTURE / "home.zip") as archive:
        archive.extractall(home.parent)
    bench = Workbench(home)
    assert bench.names() == ("colours",)
    return bench


@pytest.fixture
def opened(bench):
    return bench.open("colours")


def test_the_card_and_the_report_of_its_last_ingest(bench):
    (card,) = bench.cards()
    assert (card.name, card.images, card.texts, card.pairs) == ("colours", 16, 16, 16)
    assert card.encoders == ("toy",)
    assert len(bench.thumbnails("colours", card.mosaic)) == len(card.mosaic) == 8
    assert card.last_intake == EXPECTED["intake"]


def test_it_becomes_one_of_the_present_format(bench, home):
    assert json.loads((home / "format.json").read_text()) == {"format": FORMAT}
    rmtree(next(home.glob("*/items.lance")))
    with pytest.raises(StoreError, match=r"its table 'items' is missing \(it had 32 rows\)"):
        Workbench(home).card("colours")


def test_search_gives_the_same_numbers(bench, opened):
    query = Query((Part("a red square"),), kinds=("image",), k=5)
    result = bench.search(opened, query)
    assert [hit.id for hit in result.hits] == EXPECTED["ids"]
    assert [hit.cosine for hit in result.hits] == pytest.approx(EXPECTED["cosines"], abs=1e-6)


def test_recall_is_the_same(bench, opened):
    scores = bench.evaluate(opened).text_to_image.scores
    assert {name: score.value for name, score in scores.items()} == EXPECTED["recall"]


def test_the_layout_is_found(bench, opened, monkeypatch):
    assert bench.has_layout(opened, "pca")
    monkeypatch.setattr(PROJECTIONS, "get", lambda name: pytest.fail)  # not computed again
    xy = bench.layout(opened, "pca").xy
    assert xy.shape == (32, 2)
    assert np.isfinite(xy).all()


def test_the_encoder_report_is_complete_and_still_holds(bench, opened):
    report = bench.saved_encoder_report(opened)
    assert report.complete
    assert not report.stale
    assert len(report.findings) == 6
    assert sorted(report.lacks) == ["equivariance", "truncation"]


def test_token_vectors_and_jobs_are_there(bench, opened):
    stored = bench.tokens_stored(opened)
    assert (stored.items, stored.poolings) == (32, {"ward keep 8": 32})
    query = Query((Part("a red square"),), kinds=("image",), k=5, first_stage="muvera")
    assert {hit.id for hit in bench.search(opened, query).hits[:2]} == set(EXPECTED["ids"][:2])
    jobs = {job.verb: job for job in bench.jobs.all()}
    assert {verb: job.state for verb, job in jobs.items()} == {
        "layout": "done",
        "encoder_report": "done",
    }
    assert (jobs["encoder_report"].done, jobs["encoder_report"].total) == (416, 416)


def test_saved_queries_open_with_their_settings(bench, monkeypatch):
    assert bench.saved_queries("colours") == SAVED
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    run(app, collection="colours", **SAVED[1])
    assert app.text_input(key="_q").value == "a red square"
    chosen = {name: app.selectbox(key=f"_{name}").value for name in ("words", "first", "hubs")}
    assert chosen == {name: SAVED[1][name] for name in chosen}
    assert {card["id"] for card in cards(app)[:2]} == set(EXPECTED["ids"][:2])
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    run(app, collection="colours", **SAVED[0])
    assert app.text_input(key="_q").value == "a blue square"
    assert app.query_params["miss"] == "0.2"  # too few pairs to calibrate: stored, not applied
