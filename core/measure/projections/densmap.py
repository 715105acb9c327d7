from __future__ import annotations

from typing import Annotated

from core.measure.map_input import SAMPLED, Gap, KindsOnIt, Sample, Seed, ignored, laid_out
from core.measure.neighbor_map import neighbor_map
from core.measure.projections import projection
from core.registry import Range
from core.types import Floats, Progress, Space


@projection(
    title="densMAP",
    family="Map",
    source="Narayan, Berger, Cho. Assessing single-cell transcriptomic variability through "
    "density-preserving data visualization. Nature Biotechnology 39, 2021.",
    slow=True,
    cost="Up to twice the time of UMAP.",
    reading="densMAP preserves neighborhoods and how dense they are: a wide group varies more than "
    "a narrow one. Distances between groups are not meaningful.",
)
def densmap(
    space: Space,
    start: Floats | None = None,
    progress: Progress = ignored,
    *,
    neighbors: Annotated[int, Range(2, 200, "more make densities steadier")] = 30,
    gap: Gap = "keep",
    kinds: KindsOnIt = "together",
    sample: Sample = SAMPLED,
    seed: Seed = 0,
) -> Floats:
    """UMAP in which sparse neighborhoods are wide and dense ones narrow.

    UMAP draws every neighborhood equally large; here the width of a group tells how varied it is.
    Everything else is as in `umap`, by umap-learn, from 30 exact neighbors.

    Args:
        space: at least four items.
        start: (n, 2) places to start from.
        progress: counts rows, then epochs.
        neighbors: of each item, itself included; at most n - 1.
        gap: "remove" subtracts the mean of each kind first, so that images and texts can mix.
        kinds: "apart" lays out images and texts each alone, beside each other.
        sample: items laid out; the others are placed between.
        seed: of the layout and of the sample.

    Returns:
        (n, 2) coordinates.

    Raises:
        TooFew: fewer than four items.
    """

    def lay(rows: Floats, begin: Floats | None) -> Floats:
        return neighbor_map(
            rows, begin, neighbors=neighbors, min_dist=0.1, seed=seed, progress=progress,
            dense=True,
        )  # fmt: skip

    return laid_out(space, start, lay, gap=gap, kinds=kinds, sample=sample, seed=seed)
