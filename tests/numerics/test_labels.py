"""Labels as classes, and prototypes."""

import numpy as np
import pytest

from core.numerics.labels import classes, label_codes, part_of, prototypes, split
from core.types.item import digest
from core.types.space import Space
from tests.fixtures import spaces


def test_classes_hold_exactly_the_rows_of_their_label():
    given = spaces.with_labels(spaces.ball(n=6), ["b", "a", "", "b", "a", "c"])
    found = classes(given, "image", least=2)
    assert found.names == ("a", "b")
    assert [found.of_class(i).tolist() for i in range(2)] == [[1, 4], [0, 3]]
    assert classes(given, "text", least=1).rows.tolist() == [7, 10, 6, 9, 11]  # their images'
    assert classes(given, "image", least=1, most=2).names == ("a", "b")  # the largest


@pytest.mark.parametrize(
    ("labels", "codes", "rule"),
    [
        ([("a",), ("b",), ("a", "c"), ()], [0, 1, -1, -1], "by their only label"),
        ([("a", "x"), ("b", "x"), ("a",), ()], [0, 1, 0, -1], "by the first of their labels"),
    ],
)
def test_several_labels_on_most_items_mean_that_the_first_counts(labels, codes, rule):
    found = label_codes(spaces.space(np.eye(4), labels=labels))
    assert (found.codes.tolist(), found.rule) == (codes, rule)


def test_a_split_halves_every_class():
    given = classes(spaces.imbalanced(), "image", least=2)
    test = split(given)
    np.testing.assert_array_equal(part_of(given, test).sizes, [200, 100, 50, 25, 12])
    both = np.concatenate([part_of(given, m).rows for m in (test, ~test)])
    assert sorted(both) == sorted(given.rows)


def test_prototypes_are_texts_that_name_the_label_else_texts_of_its_images():
    rows = np.eye(6, dtype=np.float32)
    ids = ("i", "j", digest("text", b"cat"), digest("text", b"a photo of a dog"), "s", "t")
    given = Space(rows, ids, 2, np.array([[0, 4], [1, 5]]), (("cat",), ("dog",), (), (), (), ()))
    named, how = prototypes(given, ("cat", "dog"))
    np.testing.assert_array_equal(named, rows[[2, 3]])
    assert how == "texts that name them"
    others = Space(rows, ("i", "j", "k", "l", "s", "t"), 2, given.pairs, given.labels)
    own, how = prototypes(others, ("cat", "dog"))
    np.testing.assert_array_equal(own, rows[[4, 5]])
    assert how == "texts of their items"
    assert prototypes(others, ("cat", "horse")) is None
