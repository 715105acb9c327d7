"""One healthy space, and the same with one fault planted: what turns bad, and what must not."""

import numpy as np
import pytest

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from tests.fixtures.spaces import diagonal, directions, space

N, D, LABELS, LEAN = 400, 64, 8, 0.5
AXES = np.linalg.qr(np.random.default_rng(9).standard_normal((D, D)))[0]  # no fault lies on a
MIDDLE, ASIDE = AXES[0], AXES[1]  # coordinate by accident; all rows lean by LEAN to MIDDLE
CODES = np.arange(N) % LABELS
LENGTHS = 20 + np.random.default_rng(5).permutation(N) % 180


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def leaning(around):
    """Rows at one cosine with MIDDLE: an even cloud around it, so that nobody is a hub."""
    return LEAN * MIDDLE + np.sqrt(1 - LEAN**2) * unit(around)


def cloud(n, seed):
    """Directions across both axes whose variance falls slowly, as those of trained encoders do."""
    return unit(directions(n, D - 2, seed) * np.arange(1, D - 1) ** -0.2) @ AXES[2:]


def rows():
    """Images around eight labels and a text near each."""
    images = unit(0.6 * cloud(LABELS, 1)[CODES] + cloud(N, 2))
    return leaning(images), leaning(0.9 * images + np.sqrt(1 - 0.9**2) * cloud(N, 3))


def healthy(images=None, texts=None, pairs=None):
    """The healthy space, or with other images, texts or pairs in it."""
    ready = rows()
    return space(
        ready[0] if images is None else images,
        ready[1] if texts is None else texts,
        diagonal(N) if pairs is None else pairs,
        lengths=LENGTHS,
        labels=[(f"label {c}",) for c in CODES] * 2,
    )


def hub():
    """One image in the middle of everything."""
    images, _ = rows()
    images[0] = MIDDLE
    return healthy(images)


def modality_gap():
    """Images moved one way and texts the other."""
    images, texts = rows()
    return healthy(images + 0.75 * ASIDE, texts - 0.75 * ASIDE)


def low_rank():
    """All that differs between items is kept in five directions."""
    few = AXES[2:7].T @ AXES[2:7]
    return healthy(*(leaning(side @ few) for side in rows()))


def duplicated():
    """Three pairs in ten are copies of each other."""
    images, texts = rows()
    some = N * 15 // 100
    for side in (images, texts):
        side[:some] = side[some : 2 * some]
    return healthy(images, texts)


def collapsed_class():
    """One label's images, and its texts, are a point but for a trace of noise."""
    images, texts = rows()
    one = CODES == 0
    for side, seed in ((images, 11), (texts, 12)):
        side[one] = side[one].mean(axis=0) + 0.05 * directions(one.sum(), D, seed)
    return healthy(images, texts)


def length_cone():
    """The longer a text, the nearer to the middle."""
    images, texts = rows()
    rank = np.argsort(np.argsort(LENGTHS, kind="stable")) / N
    return healthy(images, texts + 0.5 * rank[:, None] * MIDDLE)


def shuffled_pairs():
    """One pair in ten has the text of another."""
    pairs = diagonal(N)
    some = np.random.default_rng(7).choice(N, N // 10, replace=False)
    pairs[some, 1] = np.roll(pairs[some, 1], 1)
    return healthy(pairs=pairs)


def dead_dimensions():
    """One coordinate in five is the same for all."""
    alive = np.ones(D)
    alive[np.random.default_rng(8).choice(D, D // 5, replace=False)] = 0
    return healthy(*(side * alive for side in rows()))


def both(*names):
    return {(name, scope) for name in names for scope in ("image", "text")}


# Fault: what must turn bad, and the relatives that may, with why they are.
FAULTS = {
    hub: (
        {("hubness", "joint"), ("hub_attack", "joint")},
        {
            ("hubness", "image"),
            ("hub_attack", "image"),
        },  # it is as much in the middle of the images
    ),
    modality_gap: (
        {("modality_gap", "joint")},
        set(),  # all rows are moved alike, so no ranking changes and recall loses nothing
    ),
    low_rank: (
        both("effective_rank", "numerical_rank"),
        # Five directions leave little room: items come near each other, labels overlap.
        both("near_duplicates", "class_subspaces") | {("pair_margin", "pairs")},
    ),
    duplicated: (both("near_duplicates"), set()),
    collapsed_class: (
        both("neural_collapse"),
        # Among items that are alike, recall is a matter of luck, and the same few may have it.
        {("subgroup_recall", "pairs"), ("hubness", "joint")},
    ),
    length_cone: ({("length_collapse", "text")}, set()),
    shuffled_pairs: ({("pair_margin", "pairs")}, set()),
    dead_dimensions: (both("dimension_activity"), set()),
}


def bad(given):
    """What every diagnostic calls bad in a space, and which could not measure it."""
    found, lacks = [], set()
    for part in DIAGNOSTICS.all().values():
        try:
            found += part(given)
        except TooFew:
            lacks.add(part.name)
    return {(f.name, f.scope) for f in found if f.verdict == "bad"}, lacks


def test_a_healthy_space_has_nothing_bad():
    assert bad(healthy()) == (set(), set())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_a_fault_turns_its_diagnostic_bad_and_only_its_relatives(fault):
    verdicts, lacks = bad(fault())
    must, may = FAULTS[fault]
    assert must <= verdicts <= must | may
    # The fall of a spectrum is fitted from 15 directions on.
    assert lacks == ({"alpha_req"} if fault is low_rank else set())
