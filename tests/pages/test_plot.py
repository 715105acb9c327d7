"""What crosses to the browser for a map."""

from streamlit.testing.v1 import AppTest

from tests.fixtures.screens import components, run


def script():
    import numpy as np
    import streamlit as st

    from core.report import Coloring, Group
    from core.types import Space
    from core.workbench import Layout
    from pages.parts.map import plot

    n = int(st.query_params["n"])
    space = Space(np.ones((n, 1), np.float32), tuple(map(str, range(n))), n)
    codes, selected = np.zeros(n, np.uint8), None
    if "odd" in st.query_params:
        codes[int(st.query_params["odd"])] = 1
    if "selected" in st.query_params:
        selected = np.arange(n) == int(st.query_params["selected"])
    xy = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    over = plot.Overlay(lit=[n - 1], names=[(0.5, 1.0, "two  words", 3)]) if n else plot.Overlay()
    rows = np.arange(int(st.query_params.get("first", 0)), n)
    drawing = plot.Drawing(
        Layout("pca", xy, space), rows, select=lambda layout, outline, shown: None,
        clear=lambda: None, over=over,
    )  # fmt: skip
    plot.points(drawing, Coloring(codes[rows], (Group("a", 0, n),)), selected)


def sent(**asked):
    (data,) = components(
        run(AppTest.from_function(script, default_timeout=60), **asked), "sextant_map"
    )
    return data


def test_a_column_has_the_address_of_its_content():
    """Of long files Streamlit itself reads but the ends and the middle."""
    plain, odd = sent(n="1200000"), sent(n="1200000", odd="400000")
    assert plain["places"] == odd["places"]
    assert plain["colors"] != odd["colors"]


def test_a_sample_is_drawn_by_its_own_indices():
    data = sent(n="10", first="5", selected="7")
    assert (data["n"], data["images"], data["lit"]) == (5, 5, [4])
    assert data["names"] == [[0.5, 1.0, "two words", 3.0]]
    assert data["chosen"] == sent(n="10", first="5", selected="7", odd="8")["chosen"]
    assert data["chosen"] != sent(n="10", first="5", selected="8")["chosen"]
    assert sent(n="10", first="5")["chosen"] is None


def test_a_map_without_points_sends_no_bytes():
    data = sent(n="0")
    assert (data["n"], data["places"], data["colors"]) == (0, "", "")
