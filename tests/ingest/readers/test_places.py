"""Labels and splits from folders, at any depth."""

import pytest

from core.ingest.readers.places import places_of


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # Splits above classes, with strays beside them.
        (
            "train/cat/1 train/dog/2 val/cat/3 val/dog/4 sample.jpg",
            "cat:train dog:train cat:val dog:val -:-",
        ),
        # A test set without labels, larger than the rest.
        ("train/a/1 train/b/2 test/1 test/2 test/3", "a:train b:train -:test -:test -:test"),
        # Names of splits as people write them; folders that repeat; images/ below each class.
        ("train2017/1 val2017/2", "-:train -:val"),
        ("seg_train/seg_train/sea/1 seg_test/seg_test/sky/2", "sea:train sky:test"),
        ("train/n1/images/1 train/n2/images/2 val/images/3", "n1:train n2:train -:val"),
        ("images/cat/1 images/dog/2", "cat:- dog:-"),
        # The deepest level; dates are none.
        ("animals/cat/1 animals/dog/2 things/car/3 x.jpg", "cat:- dog:- car:- -:-"),
        ("2021/05/1 2021/06/2", "-:- -:-"),
        # A class that is called like a split.
        ("bus/1 car/2 train/3", "bus:- car:- train:-"),
    ],
)
def test_labels_and_splits_of_folders(names: str, expected: str) -> None:
    notes, places = places_of(names.split())
    found = [
        f"{labels[0] if labels else '-'}:{attributes.get('split', '-')}"
        for labels, attributes in places.values()
    ]
    assert found == expected.split()
    assert bool(notes) == any("/" in name for name in names.split())


def test_folders_above_the_labels_are_an_attribute() -> None:
    _, places = places_of(["animals/cat/1.jpg", "things/car/2.jpg"])
    assert places["animals/cat/1.jpg"] == (("cat",), {"folder": "animals"})
