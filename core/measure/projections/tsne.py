from __future__ import annotations

import warnings
from typing import Annotated, Any

import numpy as np

from core.errors import MissingPart
from core.measure.map_input import (
    SAMPLED,
    Gap,
    KindsOnIt,
    Sample,
    Seed,
    first_places,
    ignored,
    laid_out,
    neighbor_lists,
    spread,
)
from core.measure.projections import projection
from core.registry import Range
from core.types import Floats, Progress, Space

EARLY, LATE = 250, 500  # iterations with and without exaggeration, as openTSNE's defaults
EXAGGERATION = 12.0
EVERY = 10  # iterations between reports
START = 1e-4  # standard deviation of the first places, as openTSNE's


@projection(
    title="t-SNE",
    family="Map",
    source="van der Maaten, Hinton. Visualizing Data using t-SNE. JMLR 9, 2008; Poličar, Stražar, "
    "Zupan. openTSNE. Journal of Statistical Software 109, 2024.",
    slow=True,
    cost="Up to twice the time of UMAP.",
    reading="t-SNE preserves the nearest neighbors. Distances between groups, their sizes and "
    "empty space are not meaningful.",
)
def tsne(
    space: Space,
    start: Floats | None = None,
    progress: Progress = ignored,
    *,
    perplexity: Annotated[float, Range(5, 100, "about how many neighbors count")] = 30.0,
    gap: Gap = "keep",
    kinds: KindsOnIt = "together",
    sample: Sample = SAMPLED,
    seed: Seed = 0,
) -> Floats:
    """A plane that preserves the nearest neighbors of each item.

    It separates small groups better than UMAP and shows less of how groups lie to each other.
    openTSNE with exact neighbors, interpolated forces, started from the PCA of the rows. PaCMAP,
    the alternative, is not offered: its package (0.9) has no callback, so that its iterations can
    neither be followed nor cancelled, and it needs faiss.

    Args:
        space: at least four items.
        start: (n, 2) places to start from.
        progress: counts rows, then iterations.
        perplexity: at most (n - 1) / 3.
        gap: "remove" subtracts the mean of each kind first, so that images and texts can mix.
        kinds: "apart" lays out images and texts each alone, beside each other.
        sample: items laid out; the others are placed between.
        seed: of the layout and of the sample.

    Returns:
        (n, 2) coordinates.

    Raises:
        MissingPart: openTSNE is not installed.
        TooFew: fewer than four items.
    """
    try:
        import openTSNE
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    except ImportError as error:
        raise MissingPart(
            "t-SNE needs openTSNE, which is not installed. Install it: "
            "pip install 'sextant-embeddings[tsne]'"
        ) from error

    def lay(rows: Floats, begin: Floats | None) -> Floats:
        n = len(rows)
        near = min(perplexity, max(1.0, (n - 1) / 3))
        indices, cosines = neighbor_lists(rows, min(n - 1, int(3 * near)), progress)
        distances = np.sqrt(np.maximum(2 - 2 * cosines, 1e-12)).astype(np.float64)
        first = first_places(rows, seed) if begin is None else spread(begin, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of perplexities that it lowers by itself
            affinities = openTSNE.affinity.PerplexityBasedNN(
                perplexity=near, knn_index=PrecomputedNeighbors(indices, distances)
            )
            embedding = openTSNE.TSNEEmbedding(
                (first / first[:, 0].std() * START).astype(np.float64), affinities,
                random_state=seed, n_jobs=1,
                negative_gradient_method="bh" if n < 1000 else "fft",
            )  # fmt: skip
            done = 0

            def count(iteration: int, error: float, embedding: Any) -> None:
                progress(min(done + iteration, EARLY + LATE), EARLY + LATE)

            for rounds, exaggeration, momentum in ((EARLY, EXAGGERATION, 0.5), (LATE, 1.0, 0.8)):
                embedding = embedding.optimize(
                    rounds, exaggeration=exaggeration, momentum=momentum, callbacks=count,
                    callbacks_every_iters=EVERY, propagate_exception=True,
                )  # fmt: skip
                done += rounds
        return np.asarray(embedding, np.float32)

    return laid_out(space, start, lay, gap=gap, kinds=kinds, sample=sample, seed=seed)
