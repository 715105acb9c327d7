"""Records to items."""

from core.ingest.readers.records import Record, items_of
from core.types.item import digest


def test_items_of_a_record() -> None:
    record = Record("a.jpg", None, "/x/a.jpg", ("One", "Two"), ("dog",), {"n": 1, "split": "test"})
    image, texts = items_of(record, b"bytes")
    assert image is not None
    assert (image.id, image.name, image.source) == (
        digest("image", b"bytes"),
        "a.jpg",
        "/x/a.jpg",
    )
    assert (image.labels, image.attributes) == (("dog",), {"n": 1, "split": "test"})
    assert [(t.text, t.name, t.labels, t.attributes) for t in texts] == [
        ("One", "One", (), {"split": "test"}),
        ("Two", "Two", (), {"split": "test"}),
    ]
    none, (text, _) = items_of(record, None)
    assert none is None and (text.labels, text.attributes) == (("dog",), record.attributes)


def test_a_long_caption_is_whole_but_its_name_is_short() -> None:
    long = "word " * 1999 + "<i>end"
    _, (text,) = items_of(Record("t", captions=(long,)), None)
    assert text.text == long and len(text.name) == 200 and text.name.endswith("…")
