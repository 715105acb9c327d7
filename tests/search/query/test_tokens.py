"""A first stage by token vectors: MUVERA candidates reranked by MaxSim."""

import json

import numpy as np
import pytest
from PIL import Image

from core.cli import main
from core.errors import InputError
from core.numerics.multivector import best_matches
from core.search.engine import search
from core.search.index import muvera
from core.search.query import encode, tokens
from core.types.query import Filter, Part, Query
from core.types.tokens import Pooling
from core.workbench import Workbench
from tests.fixtures.files import painted


@pytest.fixture
def bench(tmp_path):
    bench = Workbench()
    bench.ingest("halves", painted(tmp_path / "halves"), encoder="toy")
    return bench


def ask(*parts, **settings):
    settings = {"kinds": ("image",), "first_stage": "muvera", **settings}
    return Query(tuple(Part(p) if isinstance(p, str) else p for p in parts), **settings)


def by_hand(bench, query):
    """MaxSim of all images by id: the mean over the query's tokens of their best cosine."""
    opened = bench.open("halves")
    words = tokens.query_tokens(opened, query)
    parts = tokens.stored_tokens(opened)(np.arange(opened.space.n_images))
    scores = best_matches(words, parts).mean(axis=1)
    return dict(zip(opened.space.ids, scores.tolist(), strict=False))


def test_hits_are_ordered_by_late_interaction(bench):
    """All 24 pictures are candidates, so the order is exact."""
    bench.add_tokens(bench.open("halves"))
    for text in ("red and cyan", "blue", "yellow beside purple"):
        found = bench.search(bench.open("halves"), ask(text))
        expected = by_hand(bench, ask(text))
        assert {hit.id: hit.score for hit in found.hits} == pytest.approx(expected, abs=1e-5)
        scores = [hit.score for hit in found.hits]
        assert scores == sorted(scores, reverse=True)
        assert found.left is not None
        assert any("MUVERA" in note for note in found.notes)


def test_what_is_shown_beside_hits_is_of_the_whole(bench):
    bench.add_tokens(bench.open("halves"))
    plain = bench.search(bench.open("halves"), ask("red and cyan", first_stage=""))
    found = bench.search(bench.open("halves"), ask("red and cyan"))
    assert found.matches == plain.matches
    assert found.estimates == plain.estimates
    cosines = {hit.id: (hit.cosine, hit.p_null, hit.match) for hit in plain.hits}
    for hit in found.hits:
        assert (hit.cosine, hit.p_null, hit.match) == pytest.approx(cosines[hit.id], abs=1e-6)


def test_filters_pages_and_who_asks_are_kept_to(bench):
    bench.add_tokens(bench.open("halves"))
    whole = [hit.id for hit in bench.search(bench.open("halves"), ask("red and cyan")).hits]
    pages = [
        bench.search(bench.open("halves"), ask("red and cyan", k=10, start=s)).hits
        for s in (0, 10, 20)
    ]
    assert [hit.id for page in pages for hit in page] == whole
    assert [hit.rank for page in pages for hit in page] == list(range(1, 25))
    name = bench.items("halves", whole[:1])[0].name
    some = ask("red and cyan", filters=(Filter("name", "in", (name,)),))
    assert [hit.id for hit in bench.search(bench.open("halves"), some).hits] == whole[:1]
    none = ask("red", filters=(Filter("name", "in", ("nobody",)),))
    assert bench.search(bench.open("halves"), none).hits == ()
    like = ask(Part(item=whole[0]))
    assert whole[0] not in {hit.id for hit in bench.search(bench.open("halves"), like).hits}
    texts = bench.search(bench.open("halves"), ask("red and cyan", kinds=("text",), k=5)).hits
    assert len(texts) == 5 and all(hit.row >= 24 for hit in texts)
    own = bench.search(bench.open("halves"), ask(Part(image=bench.image_bytes("halves", whole[0]))))
    assert own.hits[0].id == whole[0]


def test_beyond_the_shortlist_the_encodings_order(bench, monkeypatch):
    bench.add_tokens(bench.open("halves"))
    whole = bench.search(bench.open("halves"), ask("red and cyan")).hits
    monkeypatch.setattr(muvera, "SHORTLIST", 5)
    found = bench.search(bench.open("halves"), ask("red and cyan")).hits
    assert {hit.id for hit in found} == {hit.id for hit in whole}
    scores = [hit.score for hit in found]
    assert scores == sorted(scores, reverse=True)
    pages = [
        bench.search(bench.open("halves"), ask("red and cyan", k=8, start=s)).hits
        for s in (0, 8, 16)
    ]
    assert [hit.id for page in pages for hit in page] == [hit.id for hit in found]


@pytest.mark.parametrize(
    "also",
    [
        {"hub_correction": "csls"},
        {"rerank": "k_reciprocal"},
        {"full_text": "rrf"},
        {"full_text": "sum"},
        {"rerank": "max_sim", "full_text": "sum", "hub_correction": "nnn"},
    ],
    ids=str,
)
def test_the_other_stages_follow_it(bench, also):
    bench.add_tokens(bench.open("halves"))
    hits = bench.search(bench.open("halves"), ask("red and cyan", **also)).hits
    assert len({hit.id for hit in hits}) == 24
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("full_text", ["", "rrf", "sum"])
def test_what_left_the_page_is_told_against_cosine_alone(bench, full_text):
    """Full text is no part of what is compared with, and the chance is that of the cosine."""
    bench.add_tokens(bench.open("halves"))
    plain = bench.search(bench.open("halves"), ask("red beside cyan", first_stage="", k=6))
    found = bench.search(bench.open("halves"), ask("red beside cyan", full_text=full_text, k=6))
    shown = {hit.id for hit in found.hits}
    assert [hit.id for hit in found.left] == [h.id for h in plain.hits if h.id not in shown]
    assert [hit.plain_rank for hit in found.left] == [hit.rank for hit in found.left]
    assert found.p_value == plain.p_value


def test_a_hub_correction_is_in_its_score(bench):
    bench.add_tokens(bench.open("halves"))
    found = bench.search(bench.open("halves"), ask("red", hub_correction="csls")).hits
    assert any(hit.bias for hit in found)
    without = {hit.id: hit.score + hit.bias for hit in found}
    assert without == pytest.approx(by_hand(bench, ask("red")), abs=1e-5)


def test_without_tokens_the_next_step_is_named(bench):
    with pytest.raises(InputError, match=r"none are stored .* sextant tokens NAME"):
        bench.search(bench.open("halves"), ask("red"))


def test_what_is_stored_later_is_found_by_its_tokens(bench, tmp_path):
    """Items without any are their own only part; encodings follow what is stored."""
    (tmp_path / "more").mkdir()
    Image.new("RGB", (9, 9), "red").save(tmp_path / "more" / "new.png")
    bench.add_tokens(bench.open("halves"), pooling=Pooling(keep=1))
    before = [hit.score for hit in bench.search(bench.open("halves"), ask("red cyan")).hits]
    bench.ingest("halves", tmp_path / "more", encoder="toy")
    hits = bench.search(bench.open("halves"), ask("red")).hits
    assert bench.items("halves", [hits[0].id])[0].name.endswith("new.png")
    bench.add_tokens(bench.open("halves"), pooling=Pooling(keep=8))
    after = [hit.score for hit in bench.search(bench.open("halves"), ask("red cyan")).hits]
    assert max(after) > max(before) + 0.01


def test_encodings_are_made_once_for_what_is_stored(bench, monkeypatch):
    made = []
    index = tokens.MuveraIndex
    monkeypatch.setattr(tokens, "MuveraIndex", lambda *a: made.append(1) or index(*a))
    bench.add_tokens(bench.open("halves"))
    for text in ("red", "blue", "green"):
        bench.search(bench.open("halves"), ask(text))
    assert len(made) == 1


def test_collections_alike_but_for_their_pooling_keep_their_own(bench, tmp_path):
    bench.ingest("again", tmp_path / "halves", encoder="toy")
    assert bench.open("again").space.key == bench.open("halves").space.key
    found = []
    for name, keep in (("halves", 8), ("again", 1)):
        bench.add_tokens(bench.open(name), pooling=Pooling(keep=keep))
        stage = tokens.token_candidates(bench.open(name), ask("red and cyan"))
        found.append(stage.encodings.scores(stage.centered))
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_the_budget_holds(bench, monkeypatch):
    bench.add_tokens(bench.open("halves"))
    opened = bench.open("halves")
    one = opened.space.n * 2**tokens.BITS * tokens.INNER
    monkeypatch.setattr(tokens, "BUDGET", one - 1)
    with pytest.raises(InputError, match="holds at most 47 items in memory; here are 48"):
        tokens.token_candidates(opened, ask("red"))
    monkeypatch.setattr(tokens, "BUDGET", 3 * one + 5)
    assert tokens.token_candidates(opened, ask("red")).encodings.coder.repeats == 3


def test_what_does_not_count_is_said(bench):
    bench.add_tokens(bench.open("halves"))
    both = ask("red", Part("blue", weight=-1.0), Part("cyan", weight=0.5))
    notes = " ".join(bench.search(bench.open("halves"), both).notes)
    assert "Subtracted parts are ignored" in notes
    assert "Weights are ignored" in notes
    assert not bench.search(bench.open("halves"), ask("red", first_stage="")).notes


def test_the_command_takes_it(bench, capsys):
    assert main(["search", "halves", "red", "--first", "muvera"]) == 2
    assert "sextant tokens NAME" in capsys.readouterr().err
    bench.add_tokens(bench.open("halves"))
    assert main(["search", "halves", "red cyan", "--first", "muvera", "-k", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["hits"]) == 3
    assert any("MUVERA" in note for note in document["notes"])
    assert document["changes"]


def test_it_is_off_without_a_word(bench):
    space = bench.open("halves").space
    plain = bench.search(bench.open("halves"), Query((Part("red"),), kinds=("image",)))
    direct = search(space, encode.encoder_for(bench.passport("halves")).encode_texts(["red"])[0],
                    kinds=("image",))  # fmt: skip
    assert [h.id for h in plain.hits] == [h.id for h in direct.hits]
