"""The index finds what comparing everything finds; filters never cost hits."""

import numpy as np
import pytest

from core.errors import InputError
from core.neighbors import top_k
from core.store import Home, index
from core.types import Item, Passport

D, N = 32, 1000
PASSPORT = Passport("toy", "w", "p", D)


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def cloud(rng, n):
    return unit(rng.normal(size=(40, D))[rng.integers(40, size=n)] + 0.7 * rng.normal(size=(n, D)))


def gapped(folder):
    """A collection with a modality gap: no picture is as near to a text as the other texts are."""
    rng = np.random.default_rng(1)
    pets = Home(folder).create("pets")
    images = [Item("image", b"%d" % i, "x.jpg") for i in range(N)]
    texts = [Item("text", b"%d" % i, "x") for i in range(300)]
    vectors = np.concatenate([cloud(rng, N), unit(cloud(rng, 300) + 3 * np.eye(D)[0])])
    pets.add(images + texts)
    pets.write_vectors(PASSPORT, [i.id for i in images + texts], vectors)
    return pets


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    pets = gapped(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "QUERIES", 15)
        pets.nearest.build(PASSPORT)
    return pets


def test_it_finds_what_comparing_everything_finds(filled):
    reports = {kind: filled.nearest.report(PASSPORT, kind) for kind in ("image", "text")}
    assert reports["image"].n == N and reports["text"].n == 300
    assert min(r.recall for r in reports.values()) >= 0.99
    space = filled.space(PASSPORT)
    queries = np.concatenate([space.images[:20], space.texts[:20]])
    exact, cosines = top_k(queries, space.images, 10)
    kept = 0
    for query, rows, best in zip(queries, exact, cosines, strict=True):
        found = filled.nearest.find(PASSPORT, "image", query, 10, None)
        kept += len({i for i, _ in found} & {space.ids[r] for r in rows})
        assert found[0][1] == pytest.approx(best[0], abs=1e-5)  # a cosine, not a distance
    assert kept >= 0.95 * 10 * len(queries)


@pytest.mark.parametrize("few", [10_000, 5])
def test_a_filter_gets_all_its_rows(filled, rng, monkeypatch, few):
    """At any selectivity, also when the allowed items are those farthest from the query."""
    monkeypatch.setattr(index, "FEW", few)
    monkeypatch.setattr(index, "MOST", 400)
    space = filled.space(PASSPORT)
    query = space.texts[0]
    order = np.argsort(space.images @ query)
    for rows in (rng.permutation(N)[:2], rng.permutation(N)[:15], order[:30], order[-700:], order):
        among = {space.ids[r] for r in rows}
        found = filled.nearest.find(PASSPORT, "image", query, 10, among)
        best = rows[np.argsort(-(space.images[rows] @ query))][:10]
        assert {i for i, _ in found} <= among
        assert len(found) == min(10, len(rows))
        assert len({i for i, _ in found} & {space.ids[r] for r in best}) >= 0.9 * len(best)


def test_an_index_of_other_vectors_is_not_used(home, rng, monkeypatch):
    monkeypatch.setattr(index, "QUERIES", 5)
    pets = gapped(home)
    vector = unit(rng.normal(size=D))
    with pytest.raises(InputError, match="There is no index of images as they are now"):
        pets.nearest.find(PASSPORT, "image", vector, 5, None)
    pets.nearest.build(PASSPORT)
    assert pets.nearest.report(PASSPORT, "image").n == N
    new = Item("image", b"new", "x.jpg")
    pets.add([new])
    pets.write_vectors(PASSPORT, [new.id], vector[None])
    assert pets.nearest.report(PASSPORT, "image") is None
    pets.delete_items([pets.space(PASSPORT).ids[3]])
    pets.nearest.build(PASSPORT)
    assert pets.nearest.report(PASSPORT, "image").n == N
    assert pets.nearest.find(PASSPORT, "image", vector, 1, None)[0][0] == new.id
