"""Spaces as healthy encoders make them, in which nothing may be bad.

CLIP-like at three sizes (gap 0.8, mean cosine 0.5, recall@1 about 60%), SigLIP-like (unrelated
images and texts at negative cosines), whitened, and random vectors, whose pairs nobody may praise.
"""

import numpy as np
import pytest

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from tests.fixtures import spaces
from tests.fixtures.findings import value

LABELS = 8


def cloud(n, d, seed, fall):
    """(n, d) unit rows whose variance falls over the directions, as a trained encoder's does."""
    return spaces.unit(spaces.directions(n, d, seed) * np.arange(1.0, d + 1) ** -fall)


def encoder(n, d, *, agreement, captions=2, cosine=0.5, between=0.18, fall=0.2):
    """Images with captions; all images lean one way and all texts another.

    Args:
        agreement: cosine of an image and its caption but for where their kinds lean.
        cosine: the mean cosine of two images, and of two texts.
        between: the mean cosine of an unrelated image and text.
    """
    axes = np.linalg.qr(np.random.default_rng(5).standard_normal((d, d)))[0]
    across = between / cosine
    lean = axes[0], across * axes[0] + np.sqrt(1 - across**2) * axes[1]
    label = np.arange(n) % LABELS
    own = cloud(n, d - 2, 1, fall) + 0.35 * cloud(LABELS, d - 2, 2, fall)[label]
    images = spaces.unit(own).astype(np.float64)
    of = np.repeat(np.arange(n), captions)
    noise = cloud(n * captions, d - 2, 3, fall) + 0.35 * cloud(LABELS, d - 2, 2, fall)[label[of]]
    texts = agreement * images[of] + np.sqrt(1 - agreement**2) * spaces.unit(noise)
    rows = [
        np.sqrt(cosine) * at + np.sqrt(1 - cosine) * spaces.unit(side) @ axes[2:]
        for at, side in zip(lean, (images, texts), strict=True)
    ]
    pairs = np.column_stack([of, n + np.arange(n * captions)])
    lengths = 20 + np.random.default_rng(4).permutation(n * captions) % 100
    labels = [(f"label {c}",) for c in label] + [()] * (n * captions)
    return spaces.space(*rows, pairs, lengths=lengths, labels=labels)


def whitened():
    """A CLIP-like space with the mean of each kind removed and all directions equal."""
    given = clip(600, 128, 0.35)
    kinds = []
    for rows in (given.images, given.texts):
        off = rows.astype(np.float64) - rows.mean(axis=0)
        eigenvalues, directions = np.linalg.eigh(off.T @ off / len(off))
        kinds.append(off @ directions / np.sqrt(np.maximum(eigenvalues, 1e-6)) @ directions.T)
    return spaces.space(*kinds, given.pairs, lengths=given.text_lengths, labels=given.labels)


def clip(n, d, agreement):
    return encoder(n, d, agreement=agreement)


def siglip():
    """Unrelated images and texts have a cosine below 0; a bias of the loss makes up for it."""
    return encoder(600, 256, agreement=0.21, cosine=0.4, between=-0.05)


def random():
    """Nothing belongs together; pairs and labels are drawn at random."""
    names = [f"label {c}" for c in np.random.default_rng(6).integers(0, LABELS, 400)]
    return spaces.with_labels(spaces.ball(n=400, d=128), names)


HEALTHY = {
    "CLIP-like, 300": lambda: clip(300, 128, 0.25),
    "CLIP-like, 800": lambda: clip(800, 256, 0.21),
    "CLIP-like, 2,000": lambda: clip(2000, 512, 0.16),
    "SigLIP-like": siglip,
    "whitened": whitened,
}
# Of pairs and labels that are drawn at random these are measured, and none is good.
OF_PAIRS = {
    "alignment", "coverage", "gap_curve", "gap_loss", "pair_hardness", "pair_margin", "pair_recall",
}  # fmt: skip
OF_LABELS = {
    "class_subspaces", "equiangularity", "neural_collapse", "rate_reduction", "subgroup_recall"
}  # fmt: skip


def measured(given):
    """All findings that there are enough items for."""
    found = []
    for part in DIAGNOSTICS.all().values():
        try:
            found += part(given)
        except TooFew:
            continue
    return found


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if "2,000" in name else []) for name in HEALTHY],
)
def test_nothing_is_bad_in_a_healthy_space(name):
    found = measured(HEALTHY[name]())
    assert len(found) > 50
    assert not [(f.name, f.scope, f.sentence) for f in found if f.verdict == "bad"]


def test_random_vectors_are_not_bad_and_what_is_random_about_them_is_not_good():
    found = measured(random())
    chance = OF_PAIRS | OF_LABELS
    assert {f.name for f in found} >= chance
    assert not [f.name for f in found if f.name in chance and f.verdict == "good"]
    assert not [f.name for f in found if f.name not in chance and f.verdict == "bad"]


@pytest.mark.parametrize("name", ["CLIP-like, 300", "CLIP-like, 800", "CLIP-like, 2,000"])
def test_a_clip_like_space_is_like_clip(name):
    given = HEALTHY[name]()
    first = (given.texts @ given.images.T).argmax(axis=1)
    assert np.mean(first == given.pairs[:, 0]) == pytest.approx(0.6, abs=0.05)
    assert value("modality_gap", given) == pytest.approx(0.8, abs=0.02)
    assert value("mean_cosine", given, "image") == pytest.approx(0.5, abs=0.02)


def test_fewer_than_a_hundred_images_get_no_verdict():
    found = measured(clip(60, 32, 0.3))
    assert found
    assert {f.verdict for f in found} == {"unknown"}
    assert all("Too few images (60) for a verdict" in f.detail for f in found)
