"""Ways to keep vectors: floats lose nothing, bytes are those of the file, search uses codes."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import BadParameter, InputError, UnknownName
from core.improve import parse_way
from core.store import EncodedCollection
from core.types import Part, Passport, Query
from core.workbench import Workbench, lab_document
from core.workbench.compress import compress, way_names
from core.workbench.loser_groups import groupings_of
from core.workbench.way_tasks import tasks_of
from core.workbench.ways import changed_queries, way_bytes
from tests.fixtures import spaces
from tests.fixtures.files import encoded, folder_of, jsonl, ramp

D = 24
ONLY = ("int8", "truncation:dims=6", "rabitq:bits=2")


def opened(space):
    """A space as a collection that stores nothing."""
    return EncodedCollection(None, Passport("m", "w", "p", space.d), space, "1")


@pytest.fixture(scope="module")
def good():
    return opened(spaces.paired(400, D, agreement=0.8))


@pytest.fixture(scope="module")
def lab(good):
    return compress(good, only=ONLY)


def test_floats_keep_every_list_and_every_pair(lab):
    way = next(way for way in lab.ways if way.name == "float32")
    assert {value for value, _, _ in way.recall.values()} == {1.0}
    assert {gain for gain in way.pairs.values()} == {(0.0, 0.0, 0.0)}
    assert way.shortlist == 10 and way.score_error < 1e-6 and way.loser is None
    for task in lab.tasks:
        assert np.array_equal(way.found[task.name], task.exact)


def test_the_document_has_every_way_with_intervals_and_a_suggestion_that_keeps_the_level(lab):
    document = lab_document(lab)
    names = [way["name"] for way in document["ways"]]
    assert set(names) == {"float32", "float16", *ONLY}
    assert [way["bytes_per_item"] for way in document["ways"]] == sorted(
        way["bytes_per_item"] for way in document["ways"]
    )
    for way in document["ways"]:
        assert set(way["recall@10"]) == {"text_to_image", "image_to_text", "image_to_image"}
        for recall in (*way["recall@10"].values(), *way["rescored"]["recall@10"].values()):
            assert 0 <= recall["low"] <= recall["value"] <= recall["high"] <= 1
        # The shortlist is chosen on other queries: these tell whether it keeps the level.
        assert min(r["high"] for r in way["rescored"]["recall@10"].values()) >= 0.99
    assert document["suggested"] in names
    assert document["suggested"] in document["sentence"]
    stays = f"best {lab.suggested.shortlist:,} are read for each query."
    assert lab.suggested.shortlist > 10 and document["sentence"].endswith(stays)
    assert document["frontier"][0] == names[0]


def test_a_query_is_judged_on_what_nothing_was_fitted_on(good, lab):
    from core.improve import random_half

    held_out = random_half(good.space)
    assert all(held_out[task.queries].all() for task in lab.tasks)
    for task in lab.tasks:
        assert not set(task.clusters[task.chooses]) & set(task.clusters[~task.chooses])
        assert 0.4 < task.chooses.mean() < 0.6
    images = next(task for task in lab.tasks if task.name == "image_to_image")
    assert not (images.exact == images.queries[:, None]).any()


def test_bytes_are_those_of_the_file(good, lab):
    for way in lab.ways:
        file = len(way_bytes(good, way.way))
        assert 0 <= file - way.bytes_per_item * good.space.n < 4096  # its header


def test_changed_queries_are_those_that_keep_the_fewest_exact_results(lab):
    ways = {way.name: way for way in lab.ways}
    task = lab.tasks[0]
    assert changed_queries(task, ways["float32"], 5) == ()
    few = changed_queries(task, ways["truncation:dims=6"], 5)
    every = changed_queries(task, ways["truncation:dims=6"], len(task.queries))
    assert few == every[:5]
    assert [query.kept for query in every] == sorted(query.kept for query in every)
    for query in every:
        assert len(set(query.exact) & set(query.found)) == query.kept < 10
        assert all(task.span.start <= row < task.span.stop for row in query.found)


def test_a_budget_is_met_or_said_not_to_be(good):
    within = compress(good, only=ONLY, budget=40)
    assert within.suggested.bytes_per_item <= 40
    assert "No way" in compress(good, only=ONLY, budget=1).sentence


def test_what_makes_no_sense_is_refused(good):
    with pytest.raises(UnknownName):
        compress(good, only=("zip",))
    with pytest.raises(BadParameter):
        compress(good, only=ONLY, recall=1.5)
    with pytest.raises(InputError):
        compress(opened(spaces.space(np.eye(1, D, dtype="f4"), np.empty((0, D), "f4"))))
    assert {"float32", "float16", "int8", "bebr"} <= set(way_names(100, D))
    assert "rabitq:bits=1:centers=128" in way_names(400 * D, D)


def test_rows_that_share_codes_are_measured_in_blocks_as_at_once(monkeypatch):
    good = spaces.paired(200, D)
    images = np.concatenate([good.images, good.images[:50]])
    space = spaces.space(images, good.texts, np.add(good.pairs, [0, 50]))
    whole = compress(opened(space), only=("duplicates",)).ways
    monkeypatch.setattr("core.workbench.way_tasks.BLOCK", 30 * 250)
    again = replace(space, encoder="again")  # measured anew
    parts = compress(opened(again), only=("duplicates",)).ways
    assert [way.recall for way in parts] == [way.recall for way in whole]


def test_a_kept_way_is_searched_in_two_steps_and_follows_new_items(tmp_path):
    rows = [{"image": f"{i}.png", "caption": f"a thing of kind {i}"} for i in range(40)]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    source = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows[:36])})
    bench = Workbench(tmp_path / "home")
    bench.ingest("things", source / "items.jsonl", encoder="toy")
    now = bench.open("things")
    assert "compressed" not in bench.first_stages(now)
    query = Query((Part(text="a thing of kind 7"),), k=5, first_stage="compressed")
    with pytest.raises(InputError, match="sextant compress things"):
        bench.search(now, query)
    bench.keep_way(now, parse_way("int8"))
    assert "compressed" in bench.first_stages(now)
    exact = bench.search(now, Query(query.parts, k=5))
    found = bench.search(now, query)
    assert [hit.id for hit in found.hits] == [hit.id for hit in exact.hits]
    assert "int8" in found.notes[0]
    (source / "items.jsonl").write_text(jsonl(*rows))
    bench.ingest("things", source / "items.jsonl", encoder="toy")
    later = bench.search(bench.open("things"), Query((Part(text="a thing of kind 39"),), k=80,
                         first_stage="compressed"))  # fmt: skip
    assert len(later.hits) == bench.open("things").space.n
    bench.delete_kept_way(now)
    assert bench.kept_way(now) is None


def test_kept_attributes_follow_labels_that_change(tmp_path):
    labels = ["cat", "dog"] * 20
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    source = folder_of(tmp_path / "items", {**files, "items.jsonl": ""})
    bench = Workbench(tmp_path / "home")

    def ingest():
        rows = ({"image": f"{i}.png", "label": label} for i, label in enumerate(labels))
        (source / "items.jsonl").write_text(jsonl(*rows))
        bench.ingest("things", source / "items.jsonl", encoder="toy")
        return bench.open("things")

    def preferred(now):
        item = next(i.id for i in bench.items("things", now.space.ids) if i.name == "0.png")
        query = Query((Part(item=item),), ("image",), k=19, preferred=(("label", "dog"),))
        hits = [hit.id for hit in bench.search(now, query).hits]
        return {i.name: i.labels for i in bench.items("things", hits)}

    way = parse_way("attributes:weight=4")
    bench.keep_way(ingest(), way)
    assert set(preferred(bench.open("things")).values()) == {("dog",)}
    labels = ["dog", "cat"] * 20
    assert set(preferred(ingest()).values()) == {("dog",)}
    bench.keep_way(bench.open("things"), way)
    assert set(preferred(bench.open("things")).values()) == {("dog",)}


def test_results_are_kept_until_what_they_depend_on_changes(tmp_path):
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(12)}
    bench = Workbench(tmp_path / "home")
    bench.ingest("things", folder_of(tmp_path / "items", files), encoder="toy")
    now = bench.open("things")
    ids = now.space.ids
    selected = Query((Part(item=ids[0]),), ("image",), among="=some")
    by_codes = Query((Part(item=ids[0]),), ("image",), first_stage="compressed")
    plain = Query((Part(item=ids[0]),), ("image",))
    bench.tag("things", "some", ids[1:3])
    bench.keep_way(now, parse_way("int8"))
    before = [bench.results_key(now, query) for query in (plain, selected, by_codes)]
    assert before == [bench.results_key(now, query) for query in (plain, selected, by_codes)]
    bench.tag("things", "some", ids[3:5])
    bench.keep_way(now, parse_way("float16"))
    after = [bench.results_key(now, query) for query in (plain, selected, by_codes)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, False]


def test_many_candidates_are_ranked_part_by_part_as_at_once(good, lab, monkeypatch):
    monkeypatch.setattr("core.workbench.way_tasks.BLOCK", 5000)
    later = EncodedCollection(None, good.passport, good.space, "2")
    parted = compress(later, only=ONLY)
    for one, other in zip(lab.ways, parted.ways, strict=True):
        for task in lab.tasks:
            assert np.array_equal(one.found[task.name], other.found[task.name])
            assert np.array_equal(one.places[task.name], other.places[task.name])


def test_outliers_are_the_lowest_tenth_of_density(good):
    task = tasks_of(good)[0]
    numbers, names = groupings_of(good, task)["density"]
    items = good.space.vectors[task.span]
    cosines = items @ items.T
    np.fill_diagonal(cosines, -1)
    density = np.sort(cosines, axis=1)[:, -10:].mean(axis=1)
    lowest, highest = task.exact[numbers == 0], task.exact[numbers == len(names) - 1]
    assert density[lowest].max() <= density[highest].min()


def test_a_large_collection_has_a_row_for_its_approximate_index(monkeypatch):
    monkeypatch.setattr("core.search.index.two_bit.PAYS", 1)
    monkeypatch.setattr("core.search.index.faiss_ivf.FEWEST", 400)
    monkeypatch.setattr("core.search.index.faiss_ivf.QUERIES", 100)
    space = spaces.clustered(spaces.directions(20, 32), [50] * 20, noise=0.5)
    document = lab_document(compress(opened(space), only=("int8",)))
    assert {row["kind"] for row in document["indexes"]} == {"image", "text"}
    for row in document["indexes"]:
        recall = row["recall@10"]
        assert 0.9 < recall["low"] <= recall["value"] <= recall["high"] <= 1
        assert 8 < row["bytes_per_item"] < 4 * 32 + 200
    assert lab_document(compress(opened(spaces.paired(60, 24)), only=("int8",)))["indexes"] == []
