"""A diagnostic is added by adding one file: catalog, README, report, pages and contract see it."""

import sys
from textwrap import dedent

import pytest
from streamlit.testing.v1 import AppTest

from core import measure, report
from core.measure import DIAGNOSTICS, diagnostics
from core.workbench import catalog
from tests.fixtures import spaces
from tests.fixtures.parts import each_part, parts_of
from tests.fixtures.screens import TOP, components

NAME = "throwaway_norm"
PART = '''
    import numpy as np

    from core.measure.diagnostics import diagnostic
    from core.measure.verdicts import UNCONE, Advice, Threshold
    from core.types import Finding, Reference, Space


    @diagnostic(
        title="Throwaway norm",
        family="Throwaway",
        source="Nobody. 2024.",
        better="low",
        bounds=(0.0, 2.0),
        invariant=("rotation", "order"),
        threshold=Threshold("mean norm", good=1.5, bad=1.8, source="ours"),
        advice=Advice(why="It is an example.", what=UNCONE),
        per_item=True,
    )
    def norm(space: Space) -> tuple[Finding, ...]:
        """Mean norm of the rows.

        Args:
            space: any.

        Returns:
            One finding (scope joint).
            per_item: norm of the row.

        Raises:
            TooFew: never.

        >>> norm(Space(np.eye(2, dtype=np.float32), ("a", "b"), 2))[0].value
        1.0
        """
        norms = np.linalg.norm(space.vectors, axis=1)
        value = float(norms.mean())
        return (
            Finding("joint", value, value, value, Reference(1.0, "unit rows"), "The norm is 1.",
                    "exact", per_item=norms, per_item_title="norm"),
        )
'''


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The file in a folder of the package, for the time of a test."""
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / f"{NAME}.py").write_text(dedent(PART), "utf-8")
    (folder / "_no_part.py").write_text("", "utf-8")
    monkeypatch.setattr(diagnostics, "__path__", [*diagnostics.__path__, str(folder)])
    DIAGNOSTICS.refresh()
    yield DIAGNOSTICS.get(NAME)
    DIAGNOSTICS.refresh()
    del sys.modules[f"{diagnostics.__name__}.{NAME}"]


def visit(monkeypatch, page, **link):
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=90)
    app.switch_page(page)
    app.query_params.update(collection="colours", **link)
    app.run()
    assert not app.exception
    return app


def test_its_findings_are_named_and_judged(added):
    (finding,) = added(spaces.ball(n=100))
    assert (finding.name, finding.verdict) == (NAME, "good")
    assert measure.measure(NAME) is added


def test_the_catalog_and_the_table_of_the_readme_list_it(added):
    assert NAME in {entry.name for entry in catalog.entries()}
    assert f"`{NAME}`" in catalog.table()


def test_the_html_report_has_its_section(added):
    space = spaces.ball(n=20)
    page = report.html_page("any", [report.Side("any", space, added(space))])
    assert f'<section id="{NAME}">' in page
    assert "It is an example." in page


def test_the_contract_tests_collect_it(added):
    assert added in parts_of(DIAGNOSTICS)
    assert added in each_part(*catalog.REGISTRIES).args[1]


def test_the_geometry_page_measures_it(added, filled, monkeypatch):
    app = visit(monkeypatch, "pages/measure/geometry.py", family="Throwaway")
    assert "#### Throwaway norm" in [m.value for m in app.markdown]
    signs = [s for c in components(app, "sextant_vital_signs") for s in c["signs"]]
    assert "Throwaway norm" in {s["title"] for s in signs}
    app.session_state[f"_behind_{NAME}"] = True  # the box with the items
    app.run()
    assert not app.exception
    assert "**Highest**: norm" in [c.value for c in app.caption]


def test_the_map_can_be_colored_by_it(added, filled, monkeypatch):
    app = visit(monkeypatch, "pages/explore/map.py", map="pca", color=NAME)
    assert NAME in {box.value for box in app.selectbox}


def test_it_is_gone_afterwards():
    assert NAME not in DIAGNOSTICS.all()
