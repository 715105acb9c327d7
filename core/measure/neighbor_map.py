"""UMAP and densMAP by umap-learn, fed with exact neighbors: what both layouts share."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module

import numpy as np

from core.measure.map_input import first_places, neighbor_lists, spread
from core.types import Floats, Progress


def neighbor_map(
    vectors: Floats,
    start: Floats | None,
    *,
    neighbors: int,
    min_dist: float,
    seed: int,
    progress: Progress,
    dense: bool = False,
) -> Floats:
    """(n, 2) places of unit rows.

    Args:
        vectors: (n, d) unit rows.
        start: (n, 2) places to start from; None for the first two principal components.
        neighbors: of each row, itself included.
        min_dist: on the map.
        seed: of the layout.
        progress: counts rows while neighbors are searched, then epochs.
        dense: keep local densities (densMAP).
    """
    n, k = len(vectors), min(neighbors, len(vectors) - 1)
    near, cosines = neighbor_lists(vectors, k - 1, progress)
    indices = np.column_stack([np.arange(n), near]).astype(np.int32)
    distances = np.column_stack([np.zeros(n), np.maximum(1 - cosines, 0)]).astype(np.float32)
    with warnings.catch_warnings():
        # It warns that new rows cannot be added; `placed_between` adds them.
        warnings.simplefilter("ignore")
        _compile_once()
        from umap import UMAP

        model = UMAP(
            n_neighbors=k,
            min_dist=min_dist,
            metric="cosine",
            init=first_places(vectors, seed) if start is None else spread(start, seed),
            precomputed_knn=(indices, distances),
            random_state=seed,
            n_jobs=1,
            densmap=dense,
            tqdm_kwds={
                "disable": False, "file": _Epochs(progress), "mininterval": 0.2,
                "bar_format": "{n} {total}", "leave": False,
            },
        )  # fmt: skip
        return np.asarray(model.fit_transform(vectors), np.float32)


class _Epochs:
    """The file that umap-learn's progress bar writes to: the only word it gives while it works."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def write(self, text: str) -> None:
        """Report "done total"; raises what the progress does, such as `Cancelled`."""
        numbers = text.split()
        if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
            try:
                self._progress(int(numbers[0]), int(numbers[1]))
            except BaseException:
                # The bar keeps its lock where a write raises; every later bar would wait for it.
                import_module("umap.layouts").tqdm.get_lock().release()
                raise

    def flush(self) -> None:
        """Nothing waits."""


@cache
def _compile_once() -> None:
    """Let numba keep what it compiles of umap-learn on disk.

    umap-learn compiles on first use, 10 to 20 s in every process; its own functions are not cached.
    """
    for name in ("umap.umap_", "umap.layouts"):
        for function in vars(import_module(name)).values():
            if hasattr(function, "enable_caching") and function.__module__ == name:
                function.enable_caching()
