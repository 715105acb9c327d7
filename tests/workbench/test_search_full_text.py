"""Full-text search and vectors fused into one ranking."""

from dataclasses import replace

import numpy as np
import pytest

from core.search.engine import run
from core.search.plan import SearchPlan
from core.store import full_text
from core.types.item import Item
from core.types.query import Part, Query
from core.types.space import Space
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl, ramp


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Forty gray pictures that the toy encoder cannot tell apart by words; one has a rare one."""
    folder = tmp_path_factory.mktemp("words")
    rows = [{"image": f"{i}.png", "caption": f"thing number {i}"} for i in range(40)]
    rows[7]["caption"] = 'an xylophone; "quoted" <b>& (odd)'
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    items = folder_of(folder / "items", {**files, "items.jsonl": jsonl(*rows)})
    workbench = Workbench(folder / "home")
    workbench.ingest("things", items / "items.jsonl", encoder="toy")
    return workbench


def name_of_best(bench, text, fusion, **more):
    answer = bench.search(
        bench.open("things"), Query((Part(text),), ("image",), full_text=fusion, k=5, **more)
    )
    return bench.items("things", [answer.hits[0].id])[0].name, answer


@pytest.mark.parametrize("fusion", ["rrf", "sum"])
@pytest.mark.parametrize("text", ["a red xylophone", 'red xylophone) OR (thing:"'])
def test_a_rare_word_is_found_in_captions(bench, fusion, text):
    assert name_of_best(bench, text, fusion)[0].startswith("7.png")


def test_without_words_the_vectors_decide(bench):
    plain = bench.search(bench.open("things"), Query((Part("a red xylophone"),), ("image",), k=40))
    fused = name_of_best(bench, "a red xylophone", "rrf")[1]
    moved = fused.hits[0]
    assert moved.plain_rank == next(h.rank for h in plain.hits if h.id == moved.id)
    assert moved.cosine == pytest.approx(next(h.cosine for h in plain.hits if h.id == moved.id))


def test_words_obey_filters_and_kinds(bench):
    answer = bench.search(
        bench.open("things"), Query((Part("a red xylophone"),), ("text",), full_text="rrf", k=3)
    )
    assert bench.items("things", [answer.hits[0].id])[0].text.startswith("an xylophone")
    kept = bench.parse_filters(bench.open("things"), 'name contains "8"')
    answer = bench.search(
        bench.open("things"),
        Query((Part("a red xylophone"),), ("image",), filters=kept, full_text="rrf"),
    )
    assert all("8" in i.name for i in bench.items("things", [h.id for h in answer.hits]))


@pytest.mark.parametrize("most_at_once", [full_text.FEW, 0])
def test_words_find_the_few_that_pass_among_very_many(tmp_path, monkeypatch, most_at_once):
    """1,200 captions say more of dogs than the 5 that pass a filter, or have a picture."""
    monkeypatch.setattr(full_text, "FEW", most_at_once)
    crowd = [Item("text", b"dog dog dog %d" % i, "a caption") for i in range(1200)]
    said = [b"the dog that these %d saw"] * 5 + [b"the cat that these %d saw"] * 5
    few = [Item("text", line % i, "one", labels=("few",)) for i, line in enumerate(said)]
    seen = [Item("image", encoded(ramp(seed=i)), f"{i}.png") for i in range(10)]
    bench = Workbench(tmp_path)
    pairs = [(picture.id, text.id) for picture, text in zip(seen, few, strict=True)]
    bench.home.create("pets").add([*crowd, *few, *seen], pairs)
    bench.add_encoder("pets", "toy")
    filters = bench.parse_filters(bench.open("pets"), "label = few")
    for kinds, kept, items in (("text",), filters, few), (("image",), (), seen):
        query = Query((Part("dog"),), kinds, filters=kept, full_text="rrf")
        hits = bench.search(bench.open("pets"), query).hits
        assert len(hits) == 10 and {hit.id for hit in hits[:5]} == {i.id for i in items[:5]}
        assert hits[4].score > 1 / 61 >= hits[5].score


def test_words_that_nothing_says_change_nothing(bench):
    plain = bench.search(bench.open("things"), Query((Part("red qwertz"),), ("image",), k=40))
    fused = bench.search(
        bench.open("things"), Query((Part("red qwertz"),), ("image",), full_text="rrf", k=40)
    )
    assert [h.id for h in fused.hits] == [h.id for h in plain.hits]


def test_reciprocal_ranks_by_hand():
    vectors = np.eye(4, dtype=np.float32)
    space = Space(vectors, tuple("abcd"), 4)
    query = np.array([0.8, 0.5, 0.3, 0.1], np.float32)
    query /= np.linalg.norm(query)
    said = np.array([2, 1]), np.array([9.0, 8.0], np.float32)
    answer = run(SearchPlan(space, query, text_ranking=said, fusion="rrf"))
    assert [h.id for h in answer.hits] == ["c", "b", "a", "d"]
    assert answer.hits[0].score == pytest.approx(1 / 61 + 1 / 63)


@pytest.mark.parametrize("fusion", ["rrf", "sum"])
def test_pages_of_a_fused_ranking_go_on_where_the_last_one_ended(rng, fusion):
    vectors = rng.normal(size=(1500, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    space = Space(vectors, tuple(f"{i:04}" for i in range(1500)), 1500)
    said = rng.permutation(1500)[:300], np.sort(rng.random(300).astype(np.float32))[::-1]
    plan = SearchPlan(space, vectors[0], k=1000, kinds=("image",), text_ranking=said, fusion=fusion)
    whole = [hit.id for hit in run(plan).hits]
    assert len(set(whole)) == 1000
    pages = [run(replace(plan, k=100, start=at)) for at in range(0, 1000, 100)]
    assert [hit.id for page in pages for hit in page.hits] == whole
