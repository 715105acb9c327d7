from __future__ import annotations

import warnings
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.projections import projection
from core.numerics.neighbors import top_k
from core.numerics.spectra import moments
from core.registry import Choices, Range
from core.types import Doubles, Floats, Ints, Scope, Space

LEAST = 4
PLACED_BY = 5  # laid-out neighbors between which a further item is placed
START_WIDTH = 10.0  # of the initial layout, as in the reference implementation
GAP = Choices(("keep", "remove"), "keep the modality gap, or subtract the mean of each kind")


@projection(
    title="UMAP",
    family="Map",
    source="McInnes, Healy, Melville. UMAP: Uniform Manifold Approximation and Projection for "
    "Dimension Reduction. arXiv 1802.03426, 2018.",
)
def umap(
    space: Space,
    *,
    neighbors: Annotated[int, Range(2, 200, "small for detail, large for the global shape")] = 15,
    min_dist: Annotated[float, Range(0.0, 0.99, "how tightly points may pack")] = 0.1,
    gap: Annotated[str, GAP] = "keep",
    sample: Annotated[
        int, Range(100, 50_000, "items laid out; others are placed between")
    ] = 20_000,
    seed: Annotated[int, Range(0, 1_000_000, "of the layout and of the sample")] = 0,
) -> Floats:
    """A plane that preserves neighborhoods.

    Neighbors on it are mostly true neighbors; distances between groups, their sizes and empty
    space mean nothing. Beyond `sample` items a random part is laid out and every other item is
    placed between its nearest laid-out items, so rare groups may be missing from a huge map.

    Cosine distances, exact neighbors, started from the PCA of the rows, one seed: the same space
    gives the same layout.

    Args:
        space: at least four items.
        neighbors: of each item, itself included; at most n - 1.
        min_dist: on the map.
        gap: "remove" subtracts the mean of each kind first, so that images and texts can mix.
        sample: items laid out.
        seed: of the layout and of the sample.

    Returns:
        (n, 2) coordinates.

    Raises:
        TooFew: fewer than four items.
    """
    if space.n < LEAST:
        raise TooFew("A neighbor map", LEAST, "items", space.n, "Add more items, or use PCA.")
    vectors = space.vectors if gap == "keep" else _without_gap(space)
    rows = np.arange(space.n)
    if space.n > sample:
        rows = np.sort(np.random.default_rng(seed).choice(space.n, sample, replace=False))
    laid_out = vectors[rows]
    xy = np.empty((space.n, 2), np.float32)
    xy[rows] = _layout(laid_out, min(neighbors, len(rows) - 1), min_dist, seed)
    others = np.setdiff1d(np.arange(space.n), rows)
    if len(others):
        xy[others] = _between(vectors[others], laid_out, xy[rows])
    return xy


def _layout(vectors: Floats, neighbors: int, min_dist: float, seed: int) -> Floats:
    n = len(vectors)
    own = np.arange(n)
    near, cosines = top_k(vectors, vectors, neighbors - 1, exclude=own)
    indices = np.column_stack([own, near]).astype(np.int32)
    distances = np.column_stack([np.zeros(n), np.maximum(1 - cosines, 0)]).astype(np.float32)
    with warnings.catch_warnings():
        # It warns that TensorFlow is absent and that new rows cannot be added; neither is wanted.
        warnings.simplefilter("ignore")
        from umap import UMAP

        model = UMAP(
            n_neighbors=neighbors,
            min_dist=min_dist,
            metric="cosine",
            init=_start(vectors, seed),
            precomputed_knn=(indices, distances),
            random_state=seed,
            n_jobs=1,
        )
        xy: Floats = np.asarray(model.fit_transform(vectors), np.float32)
    return xy


def _start(vectors: Floats, seed: int) -> Floats:
    """First two principal components, scaled, with a little noise so that copies separate."""
    x = vectors - vectors.mean(axis=0, dtype=np.float64)
    xy: Doubles = np.zeros((len(x), 2))
    plane = np.linalg.eigh(x.T @ x)[1][:, ::-1][:, :2]
    plane = plane * np.where(
        plane[np.abs(plane).argmax(axis=0), [*range(plane.shape[1])]] < 0, -1, 1
    )
    xy[:, : plane.shape[1]] = x @ plane
    xy *= START_WIDTH / max(1e-9, float(np.abs(xy).max()))
    noise = np.random.default_rng(seed).normal(scale=1e-4, size=xy.shape)
    return (xy + noise).astype(np.float32)


def _without_gap(space: Space) -> Floats:
    """Rows around the mean of their kind, normalized."""
    vectors = space.vectors.copy()
    scopes: tuple[Scope, ...] = ("image", "text")
    for scope in scopes:
        vectors[space.span(scope)] -= moments(space, scope).mean.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-6)


def _between(vectors: Floats, laid_out: Floats, xy: Floats) -> Floats:
    """Positions of further rows: mean of their nearest laid-out rows, weighted by similarity."""
    near: Ints
    near, cosines = top_k(vectors, laid_out, PLACED_BY)
    weights = np.exp((cosines - cosines[:, :1]) * 20.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("ij,ijk->ik", weights, xy[near])
