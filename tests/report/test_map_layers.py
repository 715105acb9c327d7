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


def shape(layers):
    return [(x.name, x.kind, x.hue, x.rows.tolist()) for x in layers]


def test_every_drawn_row_is_in_exactly_one_layer():
    here = space(labels=(("a",), (), ("b", "c"), (), ()), pairs=[(0, 3)])
    rows = map_layers.sample_for_map(here)
    found = finding([1, np.nan, 2, np.nan, 3])
    for layers in (
        map_layers.by_kind(here, rows),
        map_layers.by_label(here, rows),
        map_layers.by_finding(here, rows, found),
    ):
        assert sorted(np.concatenate([x.rows for x in layers])) == [0, 1, 2, 3, 4]


def test_a_text_gets_the_label_of_its_image_and_the_first_of_several_counts():
    here = space(labels=(("dog",), (), ("cat", "pet"), (), ()), pairs=[(0, 3)])
    assert shape(map_layers.by_label(here, map_layers.sample_for_map(here))) == [
        ("no label", "image", -1, [1]),
        ("no label", "text", -1, [4]),
        ("dog", "image", 0, [0]),
        ("dog", "text", 0, [3]),
        ("cat", "image", 1, [2]),
    ]


def test_beyond_the_most_frequent_labels_the_rest_is_other():
    labels = tuple((f"label {i % 20:02}",) for i in range(41))
    layers = map_layers.by_label(space(41, 0, labels), np.arange(41))
    assert len(layers) == 13
    assert layers[1].name == "label 00"  # three items, the others have two
    assert (layers[0].name, layers[0].hue, len(layers[0].rows)) == ("other", -1, 16)


def test_no_label_at_all_is_an_error():
    with pytest.raises(InputError, match="No item has a label yet"):
        map_layers.by_label(space(), np.arange(5))


def test_a_finding_colors_what_it_measured_and_the_rest_is_gray_and_below():
    here = space()
    layers = map_layers.by_finding(
        here, map_layers.sample_for_map(here), finding([1, np.nan, 2, np.nan, 3])
    )
    assert shape(layers) == [
        ("not measured", "image", -1, [1]),
        ("not measured", "text", -1, [3]),
        ("images", "image", 0, [0, 2]),
        ("texts", "text", 0, [4]),
    ]
    assert layers[2].values.tolist() == [1, 2]
    with pytest.raises(InputError, match="no per-item values"):
        map_layers.by_finding(here, map_layers.sample_for_map(here), finding(None))


def test_the_sample_of_a_large_space_is_seeded():
    here = space(300, 200)
    rows = map_layers.sample_for_map(here, most=50)
    assert len(np.unique(rows)) == 50
    assert rows.tolist() == map_layers.sample_for_map(here, most=50).tolist() == sorted(rows)


def test_a_lasso_selects_the_items_of_its_points_and_back():
    here = space(labels=(("a",), ("b",), ("a",), (), ()))
    layers = map_layers.by_label(here, map_layers.sample_for_map(here))
    assert [layer.rows.tolist() for layer in layers] == [[3, 4], [0, 2], [1]]
    ids = map_layers.in_lasso(here, layers, [(2, 0), (1, 1), (1, 1), (0, 0)])
    assert ids == ["i1", "i2", "t3"]
    assert map_layers.map_places(here, layers, ids) == [[0], [1], [0]]
    assert map_layers.map_places(here, layers, ["gone"]) == [[], [], []]
    assert map_layers.map_places(here, layers, []) == [[], [], []]


def test_many_numbers_are_a_color_scale_and_few_values_are_groups():
    of = space(20, 10, pairs=[[3, 25]])
    numbers = [None, *range(19), *[None] * 10]
    *unset, images, texts = map_layers.by_attribute(of, np.arange(30), numbers, "year")
    assert [(x.name, len(x.rows)) for x in unset] == [("no year", 1), ("no year", 9)]
    assert (images.unit, texts.rows.tolist(), texts.values.tolist()) == ("year", [25], [2.0])
    few = map_layers.by_attribute(of, np.arange(30), [n % 2 == 0 for n in range(30)], "even")
    assert [(x.name, x.hue, len(x.rows)) for x in few] == [
        ("False", 0, 10), ("False", 0, 5), ("True", 1, 10), ("True", 1, 5),
    ]  # fmt: skip
