from __future__ import annotations

from typing import Annotated

from core.measure.map_input import (
    SAMPLED,
    Gap,
    KindsOnIt,
    Neighbors,
    Sample,
    Seed,
    ignored,
    laid_out,
)
from core.measure.neighbor_map import neighbor_map
from core.measure.projections import projection
from core.registry import Range
from core.types import Floats, Progress, Space


@projection(
    title="UMAP",
    family="Map",
    source="McInnes, Healy, Melville. UMAP: Uniform Manifold Approximation and Projection for "
    "Dimension Reduction. arXiv 1802.03426, 2018.",
    slow=True,
    cost="Seconds up to 5,000 items, about a minute from 20,000.",
    reading="UMAP preserves neighborhoods. Distances between groups, their sizes and empty space "
    "are not meaningful.",
)
def umap(
    space: Space,
    start: Floats | None = None,
    progress: Progress = ignored,
    *,
    neighbors: Neighbors = 15,
    min_dist: Annotated[float, Range(0.0, 0.99, "how tightly points may pack")] = 0.1,
    gap: Gap = "keep",
    kinds: KindsOnIt = "together",
    sample: Sample = SAMPLED,
    seed: Seed = 0,
) -> Floats:
    """A plane that preserves neighborhoods.

    Neighbors on it are mostly true neighbors; distances between groups, their sizes and empty
    space mean nothing. Beyond `sample` items a random part is laid out and every other item is
    placed between its nearest laid-out items, so rare groups may be missing from a huge map.

    Cosine distances, exact neighbors, started from the PCA of the rows, one seed: the same space
    gives the same layout. Started from another map, as that of another encoder, it stays near it;
    AlignedUMAP of umap-learn would move both maps, and takes no neighbors that are known.

    Args:
        space: at least four items.
        start: (n, 2) places to start from.
        progress: counts rows, then epochs.
        neighbors: of each item, itself included; at most n - 1.
        min_dist: on the map.
        gap: "remove" subtracts the mean of each kind first, so that images and texts can mix.
        kinds: "apart" lays out images and texts each alone, beside each other.
        sample: items laid out.
        seed: of the layout and of the sample.

    Returns:
        (n, 2) coordinates.

    Raises:
        TooFew: fewer than four items.
    """

    def lay(rows: Floats, begin: Floats | None) -> Floats:
        return neighbor_map(
            rows, begin, neighbors=neighbors, min_dist=min_dist, seed=seed, progress=progress
        )

    return laid_out(space, start, lay, gap=gap, kinds=kinds, sample=sample, seed=seed)
