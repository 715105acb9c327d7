"""What an encoder ignores: how near a picture stays to itself when it is turned, cut or recoded.

It runs the encoder, so it takes pictures, not a space. Garrido, Najman, LeCun. Self-supervised
learning of Split Invariant Equivariant representations. ICML 2023.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.encoders import Encoder
from core.errors import InputError, TooFew
from core.findings import histogram, shown, wilson
from core.ingest.transforms import TRANSFORMS
from core.neighbors import ranks
from core.types import Doubles, Finding, Floats, Ints, Progress, Reference
from core.verdicts import judge

if TYPE_CHECKING:
    from PIL.Image import Image

BATCH = 32
LEAST = 10
RESAMPLES = 1000
CONSTANT = 1 - 1e-4  # mean cosine from which pictures count as one point


def invariance(
    images: Sequence[Image],
    encoder: Encoder,
    *,
    transforms: Mapping[str, Callable[[Image], Image]] = TRANSFORMS,
    progress: Progress | None = None,
) -> tuple[Finding, ...]:
    """How far the vectors of changed pictures stay where the pictures were.

    I = (c - c0) / (1 - c0), with c the mean cosine of a picture and its changed self and c0 that of
    two different pictures. 1 when the change is ignored, 0 when the picture becomes any other.
    Whether that is wanted depends on the search: who looks for a red car needs its colour.

    Args:
        images: at least 10 pictures, a random sample of the collection; 200 say enough.
        encoder: makes the vectors.
        transforms: changes by name.
        progress: told how many of all encodings are done.

    Returns:
        A finding for each change, named "invariance: rotation" and so on, of scope image, with the
        bootstrap interval over pictures; the sentence adds how often the changed picture finds
        itself first.
        curve: histogram of the cosines.

    Raises:
        TooFew: fewer than 10 pictures.
        InputError: the encoder gives all pictures the same vector.
    """
    if len(images) < LEAST:
        raise TooFew("Invariance", LEAST, "pictures", len(images), "Add images.")
    total = len(images) * (1 + len(transforms))
    done = 0

    def encode(change: Callable[[Image], Image] | None) -> Floats:
        nonlocal done
        rows = []
        for start in range(0, len(images), BATCH):
            batch = [change(i) if change else i for i in images[start : start + BATCH]]
            rows.append(encoder.encode_images(batch))
            done += len(batch)
            if progress:
                progress(done, total)
        return np.concatenate(rows)

    originals = encode(None)
    if (unlike := _unrelated(originals, np.ones((1, len(images))))[0]) > CONSTANT:
        raise InputError(
            f"The encoder '{encoder.name}' gives all {len(images)} pictures almost the same vector "
            f"(mean cosine {unlike:.5f}), so that invariance cannot be told from blindness. "
            "Take other pictures or another encoder."
        )
    return tuple(_finding(name, originals, encode(t)) for name, t in transforms.items())


def _finding(name: str, originals: Floats, changed: Floats) -> Finding:
    n = len(originals)
    same = np.einsum("ij,ij->i", originals, changed, dtype=np.float64)
    one = np.ones((1, n))
    unlike = float(_unrelated(originals, one)[0])
    value = float(_invariance(originals, same, one)[0])
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    drawn = _invariance(originals, same, weights.astype(np.float64))
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    found = int((_own_rank(originals, changed) == 1).sum())
    ends = wilson(found, n)
    low, high = min(low, value), max(high, value)
    return Finding(
        name=f"invariance: {name}",
        scope="image",
        value=value,
        low=low,
        high=high,
        reference=Reference(0.0, "two different pictures"),
        verdict=judge("invariance", value),
        sentence=(
            f"After {name} a picture keeps {shown(value, low, high)} of its likeness to itself: "
            f"cosine {same.mean():.3f}, where two different pictures have {unlike:.3f}. The "
            f"changed picture finds itself first for {found / n:.0%} ({ends[0]:.0%} to "
            f"{ends[1]:.0%}) of {n:,}."
        ),
        sampled=f"{n:,} pictures, each among all of them",
        curve=histogram(same, "cosine with the changed picture", "pictures"),
    )


def _invariance(originals: Floats, same: Doubles, weights: Doubles) -> Doubles:
    """(r,) I for each row of weights of the pictures."""
    unlike = np.minimum(_unrelated(originals, weights), CONSTANT)
    result: Doubles = (weights @ same / weights.sum(axis=1) - unlike) / (1 - unlike)
    return result


def _unrelated(originals: Floats, weights: Doubles) -> Doubles:
    """(r,) mean cosine of two different pictures, weighted: all pairs, from the weighted sum."""
    rows = originals.astype(np.float64)
    sums = weights @ rows
    own = weights**2 @ np.einsum("ij,ij->i", rows, rows)
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    result: Doubles = (np.einsum("ij,ij->i", sums, sums) - own) / pairs
    return result


def _own_rank(originals: Floats, changed: Floats) -> Ints:
    """(n,) rank of each picture for its changed self; a copy that comes earlier does not count."""
    _, first = np.unique(originals, axis=0, return_inverse=True)
    order = np.unique(first, return_index=True)[1]
    own = order[first]
    return ranks(changed, originals, np.stack([np.arange(len(own)), own], axis=1))
