"""Repairs judged on held-out pairs: what helps, what does nothing, and what sees no test row."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.errors import TooFew, UnknownName
from core.improve import random_half
from core.search import encode
from core.store import EncodedCollection
from core.types import Part, Passport, Query
from core.workbench import Workbench
from core.workbench.repair import known_suggestion, repair, suggest
from tests.fixtures import spaces
from tests.fixtures.files import encoded, folder_of, jsonl, ramp

D = 24
METRICS = {"recall@1", "recall@5", "recall@10", "mAP"}


def opened(space):
    """A space as a collection that stores nothing."""
    return EncodedCollection(None, Passport("m", "w", "p", space.d), space, "1")


@pytest.fixture(scope="module")
def turned():
    """Texts agree with their images after a rotation, which only pairs reveal."""
    good = spaces.paired(400, D, agreement=0.95)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(D, D)))[0]
    return spaces.space(good.images, good.texts @ turn, good.pairs)


def test_nothing_done_is_exactly_nothing_gained(turned):
    result = repair(opened(turned), "none")
    assert {gain for gains in result.delta.values() for gain in gains.values()} == {(0, 0, 0)}
    assert {*result.delta["text_to_image"]} == METRICS
    assert result.verdict == "no clear effect" and result.before is result.after
    assert result.n_train + result.n_test == 400


def test_a_rotation_is_found_and_undone(turned):
    result = repair(opened(turned), "procrustes")
    assert result.verdict == "helps"
    assert result.before.text_to_image.scores["recall@1"].value < 0.05
    assert result.after.text_to_image.scores["recall@1"].value > 0.8
    value, low, high = result.delta["text_to_image"]["mAP"]
    assert 0.5 < low < value < high
    assert "search finds more" in result.sentence
    assert {f.name for f in result.findings[0]} == {f.name for f in result.findings[1]}


def test_what_orders_nothing_anew_says_so(turned):
    one_turn = repair(opened(turned), "gap_shift:amount=0")
    assert one_turn.unchanged and "every vector stays as it is" in one_turn.sentence
    too_weak = repair(opened(turned), "nnn:alpha=0")
    assert too_weak.unchanged and "too little" in too_weak.sentence


def test_a_planted_hub_is_repaired_and_good_vectors_are_not_hurt():
    good = spaces.paired(400, D, agreement=0.7)
    lean = np.zeros(D)
    lean[0] = 0.8
    texts, images = good.texts + lean, good.images.copy()
    images[:12] = spaces.directions(12, D, 9) * 0.1 + lean  # near to every text
    hubs = spaces.space(images, texts, good.pairs)
    assert repair(opened(hubs), "nnn:k=16").delta["text_to_image"]["recall@1"][1] > 0


def test_a_repair_may_help_one_direction_and_hurt_the_other(turned):
    result = repair(opened(turned), "none")
    up, down = (0.1, 0.05, 0.15), (-0.1, -0.15, -0.05)
    none = (0.0, -0.1, 0.1)
    delta = {
        "text_to_image": {"mAP": up, "recall@10": none},
        "image_to_text": {"mAP": none, "recall@10": down},
    }
    mixed = replace(repair(opened(turned), "whitening:exponent=0.1"), delta=delta)
    assert mixed.verdict == "no clear effect"
    assert "helps mAP text → image but hurts recall@10 image → text" in mixed.sentence
    worse = {name: {**gains, "mAP": none} for name, gains in delta.items()}
    assert replace(mixed, delta=worse).verdict == "hurts"
    assert result.tried == ()


@pytest.mark.parametrize("steps", ["procrustes", "cca,nnn:k=8", "whitening", "invgc"])
def test_nothing_is_fitted_on_held_out_rows(turned, steps, rng):
    held_out = np.zeros(turned.n, bool)
    held_out[::4] = held_out[1::4] = True
    held_out[turned.n_images :] = held_out[: turned.n_images]
    leak = turned.vectors.copy()
    leak[held_out] = spaces.directions(int(held_out.sum()), D, 77)
    one, other = (
        repair(opened(replace(turned, vectors=vectors, held_out=held_out)), steps)
        for vectors in (turned.vectors, leak)
    )
    rows = spaces.directions(5, D).astype(np.float32)
    assert np.array_equal(one.recipe.rows(rows, "image"), other.recipe.rows(rows, "image"))
    assert np.array_equal(one.recipe.queries(rows, "text"), other.recipe.queries(rows, "text"))
    assert one.n_test == 200 and one.n_train == 200


def test_the_suggestion_is_what_ranks_unseen_pairs_best(turned):
    result = suggest(opened(turned), 60)
    assert result.recipe.steps[0].name in ("procrustes", "cca", "pls")
    scores = dict(result.tried)
    assert scores["none"] < max(scores.values())
    perfect = suggest(opened(spaces.paired(200, D, agreement=1.0)), 60)
    assert perfect.recipe.steps == () and dict(perfect.tried)["none"] == 1.0


def test_what_hurts_the_held_out_pairs_is_not_suggested():
    """As by an encoder that was trained on the other pairs: they differ from what it has not seen.

    Their large coordinates are noise and the small ones the pair; of held-out pairs the opposite.
    """
    n, rng = 400, np.random.default_rng(0)
    held_out, large = np.arange(n) % 2 == 1, np.arange(D) < D // 4
    pair, image, text = (rng.normal(size=(n, D)) for _ in range(3))
    shared = np.where(held_out[:, None], large, ~large)
    sides = (np.where(shared, pair, own) * np.where(large, 3, 1) for own in (image, text))
    seen = replace(spaces.space(*sides, spaces.diagonal(n)), held_out=np.tile(held_out, 2))
    result = suggest(opened(seen), 60)
    best = result.tried[0][0]
    assert best != "none" and result.recipe.steps == ()
    assert repair(opened(seen), best).verdict == "hurts"
    assert best in result.sentence and "search finds less" in result.sentence


def test_a_suggestion_with_more_time_replaces_the_one_before(turned):
    one = opened(turned)
    assert [name for name, _ in suggest(one, 0).tried] == ["none"]
    longer = suggest(one, 60)
    assert len(longer.tried) > 1 and known_suggestion(one) is longer


def test_a_repair_needs_pairs_on_both_sides():
    with pytest.raises(TooFew, match="pairs"):
        repair(opened(spaces.paired(10, D)), "whitening")
    with pytest.raises(TooFew, match="pairs"):
        suggest(opened(spaces.paired(20, D)), 1)


@pytest.fixture
def bench(tmp_path):
    rows = [{"image": f"{i}.png", "caption": f"a thing of kind {i}"} for i in range(40)]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    source = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows)})
    workbench = Workbench(tmp_path / "home")
    workbench.ingest("things", source / "items.jsonl", encoder="toy")
    return workbench


def test_a_kept_recipe_repairs_rows_and_typed_queries_alike(bench):
    plain = bench.open("things")
    result = bench.repair(plain, "per_modality_centering")
    bench.keep_recipe(plain, "centered", result.recipe)
    assert bench.recipes(plain) == ("centered",)
    opened = bench.repaired(plain, "centered")
    assert opened.space.steps == ("per_modality_centering",)
    text = bench.items("things", [opened.space.ids[-1]])[0].text
    typed = bench.search(opened, Query((Part(text),), ("text",), k=5)).hits
    assert typed[0].cosine == pytest.approx(1, abs=1e-4)  # the query is repaired as its row is
    assert bench.open("things").space.steps == ()
    file = bench.recipe_file(plain, "centered")
    bench.import_recipe(plain, "again", file)
    assert bench.recipe_file(plain, "again") == file
    bench.delete_recipe(plain, "again")
    with pytest.raises(UnknownName, match="centered"):
        bench.repaired(plain, "again")


@pytest.mark.parametrize("steps", ["nnn:k=1:alpha=1", "invgc_local:other=3", "pls:keep=4"])
def test_a_kept_recipe_is_judged_as_before_it_was_kept(bench, steps):
    """Its hub correction does not see the judged pairs; queries are repaired as queries."""
    plain = bench.open("things")
    result = bench.repair(plain, steps)
    bench.keep_recipe(plain, "mine", result.recipe)
    again = bench.evaluate(bench.repaired(plain, "mine"))
    for name in ("text_to_image", "image_to_text"):
        assert getattr(again, name).scores == getattr(result.after, name).scores


def test_without_tagged_items_a_recipe_is_judged_on_pairs_that_it_was_not_fitted_on(bench):
    plain = bench.open("things")
    bench.keep_recipe(plain, "mine", bench.repair(plain, "pls:keep=4").recipe)
    image = plain.space.ids[0]
    bench.tag("things", "spam", [(image,)])
    left = bench.without_tags(bench.repaired(plain, "mine"), ("spam",))
    judged = bench.evaluate(left)
    queries = {left.space.ids[row] for row in judged.image_to_text.queries}
    held_out = {plain.space.ids[row] for row in np.flatnonzero(random_half(plain.space))}
    assert queries and queries <= held_out - {image}


def test_a_stored_caption_ranks_as_it_does_typed(bench):
    """Where queries are repaired otherwise than rows, for all that uses items as queries."""
    plain = bench.open("things")
    bench.keep_recipe(plain, "mine", bench.repair(plain, "invgc_local:other=3").recipe)
    recipe = bench.repaired(plain, "mine")
    id_ = plain.space.ids[-1]
    item, typed = (
        encode(recipe, [Query((part,), ("image",))])[0]
        for part in (Part(item=id_), Part(bench.items("things", [id_])[0].text))
    )
    assert item == pytest.approx(typed, abs=1e-6)
    assert abs(item - recipe.space.vectors[-1]).max() > 1e-3


def test_repaired_vectors_are_exported_under_a_passport_of_their_own(bench, tmp_path):
    plain = bench.open("things")
    bench.keep_recipe(plain, "mine", bench.repair(plain, "pls:keep=4").recipe)
    bench.export("things", "lance", tmp_path / "out.lance", recipe="mine")
    bench.ingest("again", tmp_path / "out.lance")
    (passport,) = [bench.passport("again", name) for name in bench.encoders("again")]
    assert passport.model == "toy + mine" and passport.d == 4
    repaired = bench.repaired(plain, "mine").space
    assert bench.open("again").space.vectors == pytest.approx(repaired.vectors, abs=1e-6)
    query = Query((Part(item=plain.space.ids[-1]),), ("image",))
    done = bench.export("things", "jsonl", tmp_path / "hits.jsonl", query=query, k=9, recipe="mine")
    rows = [json.loads(line) for line in done.place.read_text("utf-8").splitlines()]
    hits = bench.search(bench.repaired(plain, "mine"), replace(query, k=9)).hits
    found = {hit.id: hit.cosine for hit in hits}
    assert {row["id"]: row["cosine"] for row in rows} == pytest.approx(found, abs=1e-6)
