"""Losses that tell the pairs of a batch from the rest, each with its slopes at its unit rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from core.types import Bools, Floats

STRAIGHT = 1e-4  # sine of an angle below which two directions are mixed along a line
TINY = 1e-30
Slopes: TypeAlias = tuple[float, Floats, Floats]  # a loss; its slopes at the left and right rows


def decoupled(scores: Floats, own: Bools, wrong: Bools) -> tuple[float, Floats]:
    """The decoupled softmax (Gupta et al., ICLR 2024) of scores (b, t), and its slope at them.

    Each score that is a row's `own` competes with those of it that are `wrong`, and not with the
    others that are its own. A row with one of its own has the loss of a softmax.

    >>> own = np.array([[True, True, False, False]])
    >>> round(decoupled(np.array([[2.0, 1.0, 0.0, -1.0]]), own, ~own)[0], 5)
    0.28873
    >>> own = np.array([[True, False, False]])
    >>> round(decoupled(np.log([[2.0, 1.0, 1.0]]), own, ~own)[0], 6)  # log 2
    0.693147
    """
    most = np.where(wrong, scores, -np.inf).max(axis=1, keepdims=True)
    most = np.where(np.isfinite(most), most, 0)
    weights = np.where(wrong, np.exp(np.where(wrong, scores - most, 0)), 0)
    total = np.maximum(weights.sum(axis=1, keepdims=True), TINY)
    losses = np.logaddexp(0, most + np.log(total) - scores)
    share = own / (len(scores) * own.sum(axis=1, keepdims=True))
    missed = share * -np.expm1(-losses)
    slope = missed.sum(axis=1, keepdims=True) * weights / total - missed
    return float((share * losses).sum()), slope


def pairs_apart(
    images: Floats, texts: Floats, own: Bools, wrong: Bools, temperature: float
) -> Slopes:
    """The contrastive loss of images (b, d) and texts (t, d), the mean of both directions.

    Args:
        images: unit rows.
        texts: unit rows.
        own: (b, t) whether a text is the image's.
        wrong: (b, t) whether it is not; neither: it does not count.
        temperature: of the softmax.
    """
    scores = images @ texts.T / temperature
    there, slope = decoupled(scores, own, wrong)
    back, other = decoupled(scores.T, own.T, wrong.T)
    slope = ((slope + other.T) / (2 * temperature)).astype(images.dtype)
    return (there + back) / 2, slope @ texts, slope.T @ images


def toward(left: Floats, right: Floats, target: Floats, temperature: float) -> Slopes:
    """The cross entropy of the softmax of cosines with a target, the mean of both directions.

    Args:
        left: (b, d) unit rows.
        right: (b, d) unit rows.
        target: (b, b) share with which each left row goes with each right one; rows and columns sum
            to 1.
        temperature: of the softmax.

    >>> rows = np.array([[1.0, 0.0], [1.0, 0.0]])  # all alike: log 2
    >>> round(toward(rows, rows, np.eye(2), 0.1)[0], 6)
    0.693147
    """
    scores = left @ right.T / temperature
    loss, slope = 0.0, np.zeros_like(scores)
    for axis in (0, 1):
        most = scores.max(axis=axis, keepdims=True)
        weights = np.exp(scores - most)
        total = weights.sum(axis=axis, keepdims=True)
        loss -= float((target * (scores - most - np.log(total))).sum())
        slope += target.sum(axis=axis, keepdims=True) * weights / total - target
    slope /= 2 * len(left) * temperature
    return loss / (2 * len(left)), slope @ right, slope.T @ left


def mixed(left: Floats, right: Floats, share: float) -> tuple[Floats, Pull]:
    """Unit rows on the arcs from `right` to `left`, and what turns slopes at them into slopes.

    >>> mixed(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 0.25)[0].round(6).tolist()
    [[0.382683, 0.92388]]
    """
    cosine = np.clip(np.einsum("ij,ij->i", left, right), -1, 1)[:, None]
    angle = np.arccos(cosine)
    sine = np.sin(angle)
    straight = sine < STRAIGHT
    sine = np.where(straight, 1, sine)
    one = np.where(straight, share, np.sin(share * angle) / sine)
    other = np.where(straight, 1 - share, np.sin((1 - share) * angle) / sine)
    rows: Floats = np.asarray(one * left + other * right, left.dtype)

    def pull(slope: Floats) -> tuple[Floats, Floats]:
        def turn(part: float, weight: Floats) -> Floats:  # of a weight, by the cosine
            by_angle = (part * np.cos(part * angle) - weight * np.cos(angle)) / sine
            return np.where(straight, 0, -by_angle / sine)

        along = [np.einsum("ij,ij->i", slope, side)[:, None] for side in (left, right)]
        both = along[0] * turn(share, one) + along[1] * turn(1 - share, other)
        return one * slope + both * right, other * slope + both * left

    return rows, pull


Pull: TypeAlias = Callable[[Floats], tuple[Floats, Floats]]


def against_mixtures(images: Floats, texts: Floats, share: float, temperature: float) -> Slopes:
    """m2-Mix (Oh et al., NeurIPS 2023): pairs (b, d) against mixtures of other pairs.

    For an image, and for its text, the wrong items are points on the arcs between the images and
    the texts of the other pairs: they lie in the gap, and harder than either. Both are summed.
    """
    rows, pull = mixed(images, texts, share)
    own = np.eye(len(images), dtype=bool)
    cosines = np.einsum("ij,ij->i", images, texts)
    loss, slopes, at_rows = 0.0, list[Floats](), np.zeros_like(rows)
    for side, partner in ((images, texts), (texts, images)):
        scores = side @ rows.T
        scores[own] = cosines
        one, slope = decoupled(scores / temperature, own, ~own)
        slope = (slope / temperature).astype(rows.dtype)
        kept = slope[own][:, None]
        slope[own] = 0
        loss += one
        at_rows += slope.T @ side
        slopes += [kept * partner + slope @ rows, kept * side]
    left, right = pull(at_rows)
    return loss, slopes[0] + slopes[3] + left, slopes[1] + slopes[2] + right


def of_mixtures(
    images: Floats, texts: Floats, share: float, temperature: float, weights: tuple[float, ...]
) -> Slopes:
    """What m3-Mix adds: images mixed, texts mixed, and both mixed, with the batch in reverse.

    A mixed image belongs to its two texts by their shares, a mixed text to its two images, and a
    pair that is mixed on both sides to itself and to the one that it was mixed with.

    Args:
        images: (b, d) unit rows.
        texts: (b, d) unit rows, of the image at the same place.
        share: of the row itself; the rest is that of its partner.
        temperature: of the softmax.
        weights: of the three losses.
    """
    same = np.eye(len(images), dtype=images.dtype)
    flipped = same[::-1]
    soft = share * same + (1 - share) * flipped
    mixed_images, pull_images = mixed(images, images[::-1], share)
    mixed_texts, pull_texts = mixed(texts, texts[::-1], share)
    first, at_mixed, at_texts = toward(mixed_images, texts, soft, temperature)
    second, at_images, mixed_at = toward(images, mixed_texts, soft, temperature)
    third, both_images, both_texts = toward(mixed_images, mixed_texts, same + flipped, temperature)
    v, w, x = weights
    for_images, back_images = pull_images(v * at_mixed + x * both_images)
    for_texts, back_texts = pull_texts(w * mixed_at + x * both_texts)
    return (
        v * first + w * second + x * third,
        w * at_images + for_images + back_images[::-1],
        v * at_texts + for_texts + back_texts[::-1],
    )
