"""Every form of an export gives the same collection again."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
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
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.just(""),
)
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
    vectors = [(passport, collection.space(passport)) for passport in collection.passports()]
    return write(Contents(collection, collection.ids(), vectors, {}, quiet), form, place)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
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


@pytest.fixture
def pets(tmp_path):
    """Two images, one with a file of its own, and a caption of both."""
    home = Home(tmp_path / "home")
    pets = home.create("pets")
    file = tmp_path / "outside" / "cat.png"
    file.parent.mkdir()
    file.write_bytes(png(1))
    caption = Item("text", b"=a pet", "=a pet")
    images = [
        Item("image", png(1), "cat", str(file), ("cat",)),
        Item("image", png(2), "a/../dog.png"),
    ]
    pets.add([*images, caption], [(i.id, caption.id) for i in images])
    return pets


def test_without_vectors_and_rows_captions_still_come_along(pets, tmp_path):
    image = pets.ids()[0]
    place = tmp_path / "one.jsonl"
    write(Contents(pets, [image], [], {image: {"rank": 1, "cosine": 0.5}}, quiet), "jsonl", place)
    after = Home(tmp_path / "home").create("after")
    report = restore(after, place, None, quiet)
    assert (report.images, report.texts) == (1, 1)
    assert after.pairs() == {image: {pets.ids()[2]}}
    assert after.attribute_types() == {}


def test_no_formula_is_run_and_no_image_read_outside_the_root(pets, tmp_path):
    place = tmp_path / "out" / "pets.csv"
    exported(pets, "csv", place)
    lines = place.read_text("utf-8")
    assert "'=a pet" in lines and ',"=' not in lines
    after = Home(tmp_path / "home").create("after")
    report = restore(after, place, place.parent, quiet)
    assert report.images == 2
    assert len(report.notes) == 1 and "cat" in report.notes[0]
    found = [one.payload if isinstance(one, Item) else one.reason
             for one in after.with_payload(pets.ids()[:2])]  # fmt: skip
    assert found == ["only its vector is stored, not the image", png(2)]


def test_no_column_name_is_a_formula(tmp_path):
    names = ("=1+1", "'=1+1", "@x", "plain")
    item = Item("text", b"a pet", "a pet", attributes=dict(zip(names, "abcd", strict=True)))
    home = Home(tmp_path / "home")
    before = home.create("before")
    before.add([item], [], {})
    place = tmp_path / "out.csv"
    exported(before, "csv", place)
    header = next(csv.reader(place.read_text("utf-8").splitlines()))
    assert {"'=1+1", "''=1+1", "'@x", "plain"} <= set(header)
    assert not [name for name in header if name.startswith(("=", "@"))]
    after = home.create("after")
    restore(after, place, None, quiet)
    assert stored(after) == stored(before)


def test_every_image_gets_a_file_in_the_folder(pets, tmp_path):
    done = exported(pets, "folder", tmp_path / "out")
    files = {p.relative_to(done.place).as_posix() for p in done.place.rglob("*") if p.is_file()}
    assert {f for f in files if f.startswith("images/")} == {"images/cat.png", "images/a/dog.png"}


def test_an_image_that_is_gone_is_listed_and_its_row_kept(pets, tmp_path):
    (tmp_path / "outside" / "cat.png").unlink()
    done = exported(pets, "webdataset", tmp_path / "out-webdataset")
    assert [wrong.name for wrong in done.unreadable] == ["cat"]
    after = Home(tmp_path / "home").create("after")
    restore(after, done.place, None, quiet)
    assert after.pairs() == pets.pairs()


@pytest.mark.parametrize("form", FORMS)
def test_what_stops_leaves_nothing_and_nothing_is_overwritten(pets, tmp_path, form):
    place = tmp_path / "out" / f"pets{FORMS[form].SUFFIX}"

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(Contents(pets, pets.ids(), [], {}, stop), form, place)
    assert not list(place.parent.iterdir())
    exported(pets, form, place)
    with pytest.raises(InputError, match="exists"):
        exported(pets, form, place)


@pytest.mark.parametrize(
    ("form", "damage"),
    [
        ("csv", lambda place: place.write_text(place.read_text("utf-8").replace("image", "x"))),
        ("jsonl", lambda place: place.write_text("{}\n")),
        ("jsonl", lambda place: place.with_name("pets.jsonl.vectors.npy").unlink()),
        ("webdataset", lambda place: (place / "images-000000.tar").write_bytes(b"no tar" * 200)),
    ],
)
def test_a_damaged_export_is_rejected_with_its_place(pets, tmp_path, form, damage):
    vectors = np.eye(3, 4, dtype=np.float32)
    pets.write_vectors(PASSPORTS[0], pets.ids(), vectors)
    place = tmp_path / f"pets{FORMS[form].SUFFIX}"
    exported(pets, form, place)
    damage(place)
    after = Home(tmp_path / "home").create("after")
    with pytest.raises(InputError):
        restore(after, place, None, quiet)
