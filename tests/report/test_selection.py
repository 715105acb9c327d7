"""The polygon resolver against shapely, and selections as texts."""

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import BadParameter
from core.report import Selection, in_polygon, inside, layout_name, listed, read_selection
from core.report import selected_rows as rows_of
from core.types import Space

# Few distinct coordinates: corners fall on each other, edges are level or run back on themselves.
corners = st.tuples(st.integers(-4, 4), st.integers(-4, 4))
polygons = st.lists(corners, min_size=3, max_size=12)


def around(corners, point):
    """How often a polygon goes around a point: the sum of the angles it sees, in turns."""
    rays = np.asarray(corners, float) - point
    cross = rays[:, 0] * np.roll(rays[:, 1], -1) - rays[:, 1] * np.roll(rays[:, 0], -1)
    return round(
        float(np.arctan2(cross, (rays * np.roll(rays, -1, axis=0)).sum(1)).sum()) / 2 / np.pi
    )


@settings(max_examples=60)
@given(polygons, st.integers(0, 2**32 - 1))
@example([(2, 1), (-1, -1), (-1, 2), (4, 1), (-4, -3)], 0)
def test_points_are_inside_where_shapely_says_also_of_lines_that_cross_themselves(corners, seed):
    line = shapely.LineString([*corners, corners[0]])
    faces = shapely.polygonize([shapely.node(line)])  # the parts that the line cuts the plane into
    # Within a face, but not on an edge that ends inside it.
    within = [(face - line.buffer(1e-6)).representative_point() for face in faces.geoms]
    wound = [
        face
        for face, point in zip(faces.geoms, within, strict=True)
        if around(corners, np.array(point.coords[0]))
    ]
    xy = np.random.default_rng(seed).uniform(-5, 5, (500, 2)).astype(np.float32)
    points = shapely.points(xy.astype(float))
    clear = shapely.distance(line, points) > 1e-5
    expected = shapely.contains(shapely.union_all(wound), points)
    assert (inside(xy, corners) == expected)[clear].all()


def test_a_line_twice_around_selects_and_there_and_back_does_not():
    square = [(0, 0), (2, 0), (2, 2), (0, 2)]
    middle = np.array([[1.0, 1.0]])
    assert inside(middle, [*square, *square])[0]
    assert not inside(middle, [*square, square[0], *square[:0:-1]])[0]
    assert not inside(middle, square[:2])[0]
    assert inside(np.empty((0, 2)), square).shape == (0,)


@pytest.fixture
def space():
    return Space(np.eye(5, dtype=np.float32), ("a", "b", "c", "s", "t"), 3)


def test_a_polygon_selects_on_its_own_layout_alone_and_of_one_kind(space):
    xy = np.array([[0, 0], [5, 5], [1, 1], [1, 0], [9, 9]], np.float32)
    here = layout_name("pca", xy)

    def resolve(selection):
        return rows_of(selection, space, layout={here: xy}.get, saved={"few": ["t", "x"]}.get)

    square = [(-1, -1), (2, -1), (2, 2), (-1, 2)]
    one = in_polygon(here, square)
    assert read_selection(one.text) == one and len(one.text) < 120
    assert resolve(one).tolist() == [0, 2, 3]
    assert resolve(in_polygon(here, square, "text")).tolist() == [3]
    assert resolve(in_polygon(layout_name("pca", xy + 1), square)) is None
    assert resolve(Selection(saved="few")).tolist() == [4]
    assert resolve(Selection(saved="gone")) is None
    assert resolve(listed(space, np.array([4, 1]))).tolist() == [1, 4]
    assert not listed(space, np.array([], int))


@pytest.mark.parametrize("text", ["", "~", "~~", "~a~b~c", "~pca~~AAAA", "~pca~~AAAAAAAA", "0.x"])
def test_any_text_is_read_and_selects_nothing(space, text):
    found = rows_of(read_selection(text), space, layout=lambda name: None, saved=lambda name: None)
    assert found is None


@pytest.mark.parametrize("corners", [[], [(0, 0)] * 2, [(0, 0)] * 65, [(0, np.nan)] * 3])
def test_what_is_no_polygon_is_refused(corners):
    with pytest.raises(BadParameter, match=r"3 to 64|finite"):
        in_polygon("pca", corners)


def test_a_selection_of_a_million_items_is_small_and_too_long_for_a_link_if_scattered():
    n = 200_000
    space = Space(np.ones((n, 1), np.float32), tuple(map(str, range(n))), n)
    block, scattered = np.arange(n // 2), np.flatnonzero(np.random.default_rng(0).random(n) < 0.5)
    assert len(listed(space, block).link) < 200
    one = listed(space, scattered)
    assert one.link == "" and len(one.text) < n / 5
    assert (rows_of(one, space, layout=lambda _: None, saved=lambda _: None) == scattered).all()
