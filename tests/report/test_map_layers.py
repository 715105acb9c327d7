import numpy as np
import pytest

from core.errors import InputError
from core.report import map_layers
from core.types.result import Finding, Reference
from core.types.space import Space


def space(n_images=3, n_texts=2, labels=(), pairs=()):
    n = n_images + n_texts
    ids = tuple(f"{'i' if r < n_images else 't'}{r}" for r in range(n))
    vectors = np.eye(n, dtype=np.float32)
    return Space(vectors, ids, n_images, np.array(pairs, np.int64).reshape(-1, 2), labels)


def finding(values):
    per_item = None if values is None else np.array(values, np.float32)
    return Finding(
        "joint", 1.0, 1.0, 1.0, Reference(0.0, ""), "", "exact", "hubness", per_item=per_item
    )


def names(coloring):
    """Each point's group."""
    return [coloring.name_of(point) for point in range(len(coloring.codes))]


def counts(coloring):
    return {group.name: group.count for group in coloring.groups}


def test_a_text_gets_the_label_of_its_image_and_the_first_of_several_counts():
    here = space(labels=(("dog",), (), ("cat", "pet"), (), ()), pairs=[(1, 3), (0, 3), (2, 3)])
    found = map_layers.by_label(here, np.arange(5))
    assert names(found) == ["dog", "no label", "cat", "dog", "no label"]
    assert counts(found) == {"dog": 2, "cat": 1, "no label": 2}
    assert found.codes.tolist() == [0, 255, 1, 0, 255]


def test_beyond_the_most_frequent_labels_the_rest_is_other():
    labels = tuple((f"label {i % 20:02}",) for i in range(41))
    found = map_layers.by_label(space(41, 0, labels), np.arange(41))
    assert len(found.groups) == 13
    assert found.groups[0].name == "label 00"  # three items, the others have two
    assert counts(found)["other"] == 16


def test_groups_are_those_of_the_drawn_rows():
    here = space(3, 0, (("a",), ("b",), ("b",)))
    found = map_layers.by_label(here, np.array([1, 2]))
    assert (counts(found), found.codes.tolist()) == ({"b": 2}, [0, 0])


def test_no_label_at_all_is_an_error():
    with pytest.raises(InputError, match="No item has a label yet"):
        map_layers.by_label(space(), np.arange(5))


def test_a_finding_is_a_scale_and_what_it_did_not_measure_is_gray():
    found = map_layers.by_finding(np.arange(5), finding([1, np.nan, 2, np.nan, 3]))
    assert counts(found) == {"not measured": 2}
    assert found.codes.tolist() == [0, 255, 126, 255, 253]
    low, high = found.limits
    assert 1 < low < 1.1 and 2.9 < high < 3
    constant = map_layers.by_finding(np.arange(2), finding([2, 2]))
    assert (constant.limits, constant.codes.tolist()) == ((2.0, 3.0), [0, 0])
    with pytest.raises(InputError, match="no per-item values"):
        map_layers.by_finding(np.arange(5), finding(None))


def test_the_sample_of_a_large_space_is_seeded():
    here = space(300, 200)
    rows = map_layers.sample_for_map(here, most=50)
    assert len(np.unique(rows)) == 50
    assert rows.tolist() == map_layers.sample_for_map(here, most=50).tolist() == sorted(rows)


def test_many_numbers_are_a_color_scale_and_few_values_are_groups():
    of = space(20, 10, pairs=[[3, 25]])
    numbers = [None, *range(19), *[None] * 10]
    year = map_layers.by_attribute(of, np.arange(30), numbers, "year")
    assert (year.title, counts(year)) == ("year", {"no year": 10})
    assert year.values[25] == year.values[3] == 2.0
    few = map_layers.by_attribute(of, np.arange(30), [n % 2 == 0 for n in range(30)], "even")
    assert counts(few) == {"False": 15, "True": 15}
