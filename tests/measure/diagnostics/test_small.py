"""Few items: there is no interval, rather than one that does not cover."""

import re

import numpy as np
import pytest

from core.measure.diagnostics import DIAGNOSTICS
from core.numerics.sampling import items_error
from core.numerics.stats import LEAST_DRAWS, normal
from tests.fixtures import spaces
from tests.fixtures.findings import find
from tests.fixtures.spaces import directions, space

MEANS = (
    "alignment",
    "cone",
    "coverage",
    "dimension_activity",
    "mean_cosine",
    "modality_gap",
    "pair_hardness",
    "pair_margin",
    "partition_isotropy",
    "uniformity",
)


@pytest.mark.parametrize("n", [3, LEAST_DRAWS - 1])
@pytest.mark.parametrize("name", MEANS)
def test_few_images_have_no_interval(name, n):
    for found in DIAGNOSTICS.get(name)(spaces.paired(n, 16, agreement=0.5)):
        assert np.isnan([found.low, found.high]).all(), found.sentence
        assert not re.search(r"\(\S+ to \S+\)", found.sentence)
        assert "Too few items for an interval." in found.detail


@pytest.mark.parametrize("name", sorted({*MEANS} - {"dimension_activity", "partition_isotropy"}))
def test_enough_images_have_one(name):
    for found in DIAGNOSTICS.get(name)(spaces.paired(LEAST_DRAWS, 16, agreement=0.5)):
        assert found.low < found.value < found.high


def test_many_captions_of_few_images_are_few_draws():
    images = np.arange(3)
    pairs = np.column_stack([np.repeat(images, 20), 3 + np.arange(60)])
    texts = np.repeat(directions(3, 16), 20, axis=0) + 0.5 * directions(60, 16, 1)
    given = space(directions(3, 16), texts, pairs)
    for name in (*MEANS, "codebook_collapse", "hubness", "length_collapse"):
        assert not any(f.has_interval for f in DIAGNOSTICS.get(name)(given)), name


def test_few_items_of_one_kind_are_few_draws():
    given = space(directions(100, 16), directions(3, 16, 1))
    assert not find("mean_cosine", given, "joint").has_interval
    assert find("mean_cosine", given, "image").has_interval
    for name in ("modality_gap", "coverage"):
        assert not find(name, given).has_interval
    assert np.isnan(items_error(given, {"text": lambda rows: np.arange(3.0)}))


def test_the_rule_is_that_of_normal_intervals():
    assert np.isnan(normal(0.5, 0.1, draws=LEAST_DRAWS - 1)).all()
    assert normal(0.5, 0.1, draws=LEAST_DRAWS) == normal(0.5, 0.1)
