"""The contract of every part; a new file in a folder is tested without being listed anywhere."""

import re
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from core.errors import BadParameter, InputError, UnknownName
from core.measure import DIAGNOSTICS, PROBES, PROJECTIONS
from core.numerics import spectra
from core.registry import Choices, Range
from core.types.arrays import Verdict
from core.types.space import Space
from core.workbench.catalog import REGISTRIES
from tests.fixtures import spaces
from tests.fixtures.parts import each_part

SPACES = {
    "paired": spaces.labelled(spaces.paired()),
    "ball": spaces.ball(d=8),
    "gap": spaces.gap(),
    "cone": spaces.cone(),
    "low rank": spaces.low_rank(),
    "one hub": spaces.one_hub(),
    "duplicated": spaces.duplicated(),
    "same": spaces.same(),
    "orthonormal": spaces.space(np.eye(64)[:40], np.eye(64)[24:], spaces.diagonal(40)),
    "images only": spaces.space(spaces.directions(50, 16)),
    "texts only": spaces.space((), spaces.directions(50, 16)),
    "two dimensions": spaces.ball(d=2),
    "one dimension": spaces.space([[1.0], [-1.0], [1.0]] * 10, [[1.0], [-1.0]] * 15),
    "few": spaces.paired(n=3, d=4),
    "many captions": spaces.space(
        spaces.directions(30, 16),
        spaces.directions(150, 16, 1),
        np.column_stack([np.arange(150) // 5, 30 + np.arange(150)]),
    ),
}
LABELLED = {
    "collapsed class": spaces.collapsed_class(),
    "imbalanced": spaces.imbalanced(),
    "one label": spaces.with_labels(spaces.ball(n=60), ["only"] * 60),
    "same, labeled": spaces.with_labels(spaces.same(60), ["a", "b"] * 30),
}
diagnostics = each_part(DIAGNOSTICS)
projections = each_part(PROJECTIONS)


def measured(part, space):
    """Findings; where the part rejects the space, the test is skipped with its sentence."""
    try:
        return part(space)
    except InputError as rejected:
        assert re.search(r"\w.*\.$", str(rejected))
        pytest.skip(str(rejected))


@pytest.mark.parametrize("name", [*SPACES, *LABELLED])
@diagnostics
def test_findings_are_whole(part, name):
    space = (SPACES | LABELLED)[name]
    found = measured(part, space)
    assert found
    assert len({f.scope for f in found}) == len(found)
    for finding in found:
        assert finding.name == part.name
        low, high = part.traits["bounds"]
        assert low <= finding.value <= high
        if finding.has_interval:
            assert low <= finding.low <= finding.value <= finding.high <= high
        else:
            assert np.isnan([finding.low, finding.high]).all()
        assert np.isfinite(finding.reference.value)
        assert finding.verdict in get_args(Verdict)
        assert finding.sampled
        assert finding.sentence.endswith(".")
        assert re.search(r"\d", finding.sentence)
        assert not re.search(r"\b(nan|inf)\b", finding.sentence)
        check_drawings(finding, space)


@diagnostics
def test_every_part_can_measure_pairs_with_labels(part):
    found = part(SPACES["paired"])
    assert any(f.per_item is not None for f in found) == part.traits["per_item"]
    assert part.traits["vital"] in {None, *(f.scope for f in found)}


def check_drawings(finding, space):
    if finding.per_item is not None:
        assert finding.per_item.shape == (space.n,)
        assert np.isfinite(finding.per_item).any()
        assert finding.per_item_title
    if finding.curve is not None:
        assert finding.curve.x.shape == finding.curve.y.shape
        assert np.isfinite([finding.curve.x, finding.curve.y]).all()
        assert finding.curve.x_title
        assert finding.curve.y_title


@diagnostics
def test_the_same_space_gives_the_same_numbers(part):
    first, again = (
        part(spaces.space(p.images, p.texts, p.pairs, encoder, labels=p.labels))
        for p, encoder in [(SPACES["paired"], "one"), (SPACES["paired"], "other")]
    )  # another key: nothing is shared
    np.testing.assert_array_equal(
        [(f.value, f.low, f.high) for f in first], [(f.value, f.low, f.high) for f in again]
    )
    assert [f.sentence for f in first] == [f.sentence for f in again]


@pytest.mark.parametrize("seed", [1, 2, 3])  # no cosines at the end of a list are tied by rounding
@diagnostics
def test_rotation_and_order_change_nothing(part, seed):
    turn = {"rotation": spaces.rotated, "order": spaces.reordered}
    assert set(part.traits["invariant"]) <= set(turn)
    given_space = spaces.labelled(spaces.gap(n=120, d=16, size=0.5, seed=seed))
    before = {f.scope: f for f in part(given_space)}
    for change in part.traits["invariant"]:
        for finding in part(turn[change](given_space, seed)):
            known = before[finding.scope]
            assert finding.value == pytest.approx(known.value, rel=2e-4, abs=2e-4), change
            assert finding.verdict == known.verdict


@pytest.mark.parametrize("rounding", ["one unit in the last place", "products in float32"])
@diagnostics
def test_float32_is_as_good_as_float64(part, rounding, monkeypatch):
    given_space = spaces.labelled(spaces.gap(n=150, d=24, size=0.5))
    before = {f.scope: f.value for f in part(given_space)}
    rows = given_space.vectors
    if rounding == "products in float32":
        monkeypatch.setattr(spectra, "EXACT_ROWS", 0)
    else:
        aside = np.random.default_rng(1).choice([-np.inf, np.inf], rows.shape).astype(np.float32)
        rows = np.nextafter(rows, aside)
    other = replace(given_space, vectors=rows, encoder="other")  # another key: nothing is shared
    after = {f.scope: f.value for f in part(other)}
    assert after == pytest.approx(before, rel=1e-4, abs=1e-4)


@diagnostics
def test_per_item_values_go_with_their_items(part):
    if "order" not in part.traits["invariant"]:
        pytest.skip("its sample depends on the order")
    given_space = SPACES["paired"]
    turned = spaces.reordered(given_space, 3)
    where = {row.tobytes(): i for i, row in enumerate(turned.vectors)}
    place = [where[row.tobytes()] for row in given_space.vectors]
    for before, after in zip(part(given_space), part(turned), strict=True):
        if before.per_item is not None:
            np.testing.assert_allclose(before.per_item, after.per_item[place], atol=2e-4)


@each_part(DIAGNOSTICS, PROJECTIONS)
@pytest.mark.parametrize(
    "space",
    [spaces.space(), spaces.space([[1.0, 0.0]]), spaces.space((), [[1.0, 0.0]])],
    ids=["nothing", "one image", "one text"],
)
def test_too_few_items_give_a_sentence(part, space):
    with pytest.raises(InputError, match=r"needs at least .* there (is|are) .*\. .*\.$"):
        part(space)


@each_part(*REGISTRIES)
def test_it_is_documented(part):
    assert part.summary.endswith(".")
    assert part.title
    assert part.family
    assert re.search(r"\b(1[89]|20)\d\d\b", part.source), "a source has a year"
    for param in part.params:
        assert f"{param.name}:" in part.about
        assert param.allowed.help


@each_part(DIAGNOSTICS, PROBES, PROJECTIONS)
def test_a_function_says_what_it_takes_returns_and_raises(part):
    for section in ("Args:", "Returns:", "Raises:"):
        assert section in part.about


@each_part(DIAGNOSTICS, PROBES)
def test_a_measure_has_an_example_a_direction_a_threshold_and_advice(part):
    assert ">>>" in part.about
    assert part.traits["better"] in ("low", "high", "none")
    assert part.traits["threshold"].source
    assert part.traits["threshold"].words
    assert part.traits["advice"].why.endswith(".")
    assert part.traits["advice"].what.endswith(".")


@each_part(DIAGNOSTICS, PROJECTIONS)
def test_settings_outside_their_range_are_refused(part):
    with pytest.raises(UnknownName):
        part(SPACES["paired"], color="red")
    for param in part.params:
        param.check(param.default)
        if isinstance(param.allowed, Choices):
            outside = ["neither of them"]
        else:
            assert isinstance(param.allowed, Range)
            outside = [param.allowed.low - 1, param.allowed.high + 1]
        for value in outside:
            with pytest.raises(BadParameter, match=f"{param.name} is .*allowed"):
                part(SPACES["paired"], **{param.name: value})


def test_a_space_is_not_changed_by_being_measured():
    space = spaces.labelled(spaces.paired(n=60, d=32))
    before = space.vectors.copy()
    for part in DIAGNOSTICS.all().values():
        part(space)
    np.testing.assert_array_equal(space.vectors, before)
    assert isinstance(space, Space)
