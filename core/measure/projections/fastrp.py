from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, diags_array

from core.measure.map_input import (
    SAMPLED,
    Gap,
    KindsOnIt,
    Neighbors,
    Sample,
    Seed,
    first_places,
    ignored,
    laid_out,
    neighbor_lists,
)
from core.measure.projections import projection
from core.types import Doubles, Floats, Progress, Space

WIDE = 128  # columns of the random projection
WEIGHTS = (0.0, 0.0, 1.0, 4.0)  # of one to four steps on the graph
BY_DEGREE = -0.6


@projection(
    title="FastRP",
    family="Map",
    source="Chen, Sultan, Tian, Chen, Skiena. Fast and Accurate Network Embeddings via Very Sparse "
    "Random Projection. CIKM 2019, arXiv 1908.11512.",
    slow=True,
    cost="Seconds, mostly for the neighbors.",
    reading="FastRP places items by who their neighbors' neighbors are. Groups separate less than "
    "in UMAP, and the place of a single item is rougher.",
)
def fastrp(
    space: Space,
    start: Floats | None = None,
    progress: Progress = ignored,
    *,
    neighbors: Neighbors = 20,
    gap: Gap = "keep",
    kinds: KindsOnIt = "together",
    sample: Sample = SAMPLED,
    seed: Seed = 0,
) -> Floats:
    """The neighbor graph by random projection, without optimization: an instant layout.

    Random vectors are averaged over one to four steps on the graph of nearest neighbors (weights
    0, 0, 1, 4), and the plane of largest variance of these averages is the map. Items of one part
    of the graph lie together.

    Args:
        space: at least four items.
        start: ignored; nothing is optimized.
        progress: counts rows.
        neighbors: of each item on the graph, by cosine.
        gap: "remove" subtracts the mean of each kind first, so that images and texts can mix.
        kinds: "apart" lays out images and texts each alone, beside each other.
        sample: items laid out; the others are placed between.
        seed: of the random vectors and of the sample.

    Returns:
        (n, 2) coordinates.

    Raises:
        TooFew: fewer than four items.
    """

    def lay(rows: Floats, begin: Floats | None) -> Floats:
        n = len(rows)
        near, cosines = neighbor_lists(rows, min(neighbors, n - 1), progress)
        weights = np.maximum(cosines, 1e-6).astype(np.float64).ravel()
        own = np.repeat(np.arange(n), near.shape[1])
        graph = coo_array((weights, (own, near.ravel())), shape=(n, n)).tocsr()
        return first_places(_averages(graph.maximum(graph.T), seed), seed)

    return laid_out(space, start, lay, gap=gap, kinds=kinds, sample=sample, seed=seed)


def _averages(graph: coo_array, seed: int) -> Floats:
    """(n, WIDE) weighted sum of random vectors averaged over one to four steps."""
    n = graph.shape[0]
    degree = np.asarray(graph.sum(axis=1)).ravel()
    step = diags_array(1 / degree) @ graph
    rng, sparsity = np.random.default_rng(seed), np.sqrt(n)
    drawn = rng.random((n, WIDE))
    now: Doubles = (drawn < 1 / sparsity) * np.where(rng.random((n, WIDE)) < 0.5, -1.0, 1.0)
    now *= np.sqrt(sparsity) * (degree / degree.mean())[:, None] ** BY_DEGREE
    total = np.zeros((n, WIDE))
    for weight in WEIGHTS:
        now = step @ now
        lengths = np.linalg.norm(now, axis=1, keepdims=True)
        total += weight * now / np.maximum(lengths, 1e-12)
    return total.astype(np.float32)
