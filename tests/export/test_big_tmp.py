"""Every form of an export gives the same collection again."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.export import FORMS, Contents, is_export, restore, write
from core.store import Home
from core.types import Item, Passport
from tests.fixtures.files import png

PASSPORTS = (
    Passport("one", "w1", "p1", 4, configuration='{"a": 1}'),
    Passport("two/2", "", "", 3, backend="brought"),
)
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.sampled_from(
        ["=1+1", "'=1", "'tis", "a\r\nb", 'say "x"', "[1, 2]", " ", "é", "-", ",", "null"]
    ),
)
VALUES = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False),
    TEXT, st.just(""),
)  # fmt: skip
LINE = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=8)


@st.composite
def collections(draw):
    """Items of both kinds, pairs, tags, and for each encoder the items that have a vector."""
    names = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    about = {
        "labels": st.lists(TEXT.filter(str.strip), max_size=2, unique=True).map(tuple),
        "attributes": st.dictionaries(names and st.sampled_from([*names, "id", "Vector"]), VALUES),
    }
    images = [
        Item("image", png(n), draw(TEXT), **{k: draw(v) for k, v in about.items()})
        for n in range(draw(st.integers(0, 4)))
    ]
    texts = [
        Item("text", text.encode(), text, **{k: draw(v) for k, v in about.items()})
        for text in draw(st.lists(TEXT, min_size=0 if images else 1, max_size=4, unique=True))
    ]
    ids = [item.id for item in (*images, *texts)]
    both = [(i.id, t.id) for i in images for t in texts]
    pairs = draw(st.lists(st.sampled_from(both), unique=True)) if both else []
    targets = [*((id_,) for id_ in ids), *pairs]
    tags = draw(st.dictionaries(LINE, st.lists(st.sampled_from(targets), min_size=1), max_size=2))
    encoded = [draw(st.lists(st.sampled_from(ids), unique=True)) for _ in PASSPORTS]
    on_disk = draw(st.sets(st.sampled_from(ids)))
    return images, texts, pairs, tags, encoded, on_disk


def stored(collection):
    """Everything that an export must keep."""
    ids = sorted(collection.ids())
    return {
        "items": {
            i.id: (i.kind, i.name, i.payload, i.labels, dict(i.attributes))
            for i in collection.with_payload(ids)
        },
        "types": {
            (i.id, name): type(value)
            for i in collection.items(ids)
            for name, value in i.attributes.items()
        },
        "pairs": collection.pairs(),
        "tags": {(tag.name, tag.ids) for tag in collection.tags.all()},
        "vectors": {
            passport: {
                id_: vector.tobytes() for id_, vector in zip(space.ids, space.vectors, strict=True)
            }
            for passport in collection.passports()
            for space in [collection.space(passport)]
            if space.n
        },
        "thumbnails": set(collection.thumbnails(ids)),
    }


def fill(collection, folder: Path, made):
    images, texts, pairs, tags, encoded, on_disk = made
    items = []
    for n, item in enumerate(images):
        source = folder / f"{n}.png"
        source.write_bytes(item.payload)
        path = str(source) if item.id in on_disk else ""
        items.append(Item("image", item.payload, item.name, path, item.labels, item.attributes))
    collection.add([*items, *texts], pairs, {i.id: b"webp" for i in items})
    for tag, targets in tags.items():
        collection.tags.add(tag, targets)
    rng = np.random.default_rng(0)
    for passport, ids in zip(PASSPORTS, encoded, strict=True):
        rows = rng.normal(size=(len(ids), passport.d)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        if ids:
            collection.write_vectors(passport, ids, rows)
    return collection


def quiet(done, total):
    """No progress."""


def exported(collection, form, place):
    spaces = [collection.space(passport) for passport in collection.passports()]
    return write(Contents(collection, collection.ids(), spaces, {}, quiet), form, place)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=collections())
def test_an_export_gives_the_same_collection_again(form, tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("export")
    home = Home(folder / "home")
    before = fill(home.create("before"), folder, made)
    place = folder / f"out{FORMS[form].SUFFIX}"
    exported(before, form, place)
    assert is_export(place)
    after = home.create("after")
    report = restore(after, place, None, quiet)
    assert stored(after) == stored(before)
    assert report.images + report.texts == len(before.ids())
    assert not report.notes
    again = restore(after, place, None, quiet)
    assert (again.images, again.texts, again.updated) == (0, 0, 0)
    assert stored(after) == stored(before)
