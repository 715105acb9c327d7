"""Depth times width: what an encoder would find after fewer of its layers, in fewer dimensions.

The encoder is not trained again: from the mean of each layer's output over its positions a ridge
regression on half of a sample of images predicts the principal coordinates of their vectors, and
the other half is searched by the first few of these.

Source: Li et al. 2D Matryoshka Sentence Embeddings. 2024; Wang et al. Starbucks: Improved Training
for 2D Matryoshka Embeddings. 2024. Encoders trained for it lose less; these were not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders import LayeredEncoder, load
from core.errors import InputError, UnreadableFile
from core.ingest import decode
from core.measure import Interval, list_recall, places
from core.numerics.neighbors import select
from core.numerics.sampling import groups, sampled_rows
from core.types import Bools, Doubles, Floats, Ints, Progress, Space, SpaceCache
from core.workbench.held_out import held_out_rows
from core.workbench.ingest import no_progress
from core.workbench.jobs import begin_step
from core.workbench.lab_document import interval_document

if TYPE_CHECKING:
    from core.store import EncodedCollection

IMAGES, BATCH = 400, 16  # images of the sample; encoded at a time
LEAST = 60  # images of which half can be fitted on
MOST = 0.9  # recall@10 that is said to be kept
K = 10
WIDTHS = 16, 8, 4, 2, 1  # the dimensions are divided by these
ALPHAS = 0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0  # of the ridge, for standardized outputs

_GRIDS = SpaceCache(8)


@dataclass(frozen=True)
class DepthGrid:
    """Recall and time by layer and number of dimensions.

    Args:
        encoder: whose layers.
        layers: numbers from 1; the last row of the grid, 0, is the whole encoder.
        dims: kept coordinates, ascending.
        ms: (layers,) median milliseconds of an image until the layer's output.
        recall: (layers, dims) recall@10 of the exact lists by whole vectors, with its interval.
        fitted: images that were fitted on; `judged` those that were searched.
        asked: queries, texts of these images or the images themselves.
    """

    encoder: str
    layers: tuple[int, ...]
    dims: tuple[int, ...]
    ms: Doubles
    recall: tuple[tuple[Interval, ...], ...]
    fitted: int
    judged: int
    asked: int

    @property
    def sentence(self) -> str:
        """The fewest layers that keep most of the results, or that none does."""
        values = np.array([[cell[0] for cell in row] for row in self.recall])
        keeps = np.flatnonzero(values[:-1, -1] >= MOST)
        at = int(keeps[0] if len(keeps) else values[:-1, -1].argmax())
        value, low, high = (100 * x for x in self.recall[at][-1])
        start = "After" if len(keeps) else f"No layer keeps {MOST:.0%} of the results: after"
        return (
            f"{start} layer {self.layers[at]} recall@10 is {value:.0f}% ({low:.0f} to {high:.0f}) "
            f"of the results by whole vectors, in {self.ms[at] / self.ms[-1]:.0%} of the time of "
            "an image."
        )


def depth_grid(opened: EncodedCollection, progress: Progress = no_progress) -> DepthGrid:
    """Measure the layers of a collection's encoder on a sample of its images, once in a process.

    Args:
        opened: the collection.
        progress: called with (images done, all); may raise to stop.

    Raises:
        InputError: the encoder shows no layers, or too few images have their original.
    """
    found: DepthGrid = _GRIDS.get(_key(opened), lambda: _measured(opened, progress))
    return found


def known_depth_grid(opened: EncodedCollection) -> DepthGrid | None:
    """What was measured lately in this process; None where nothing was."""
    found: DepthGrid | None = _GRIDS.known(_key(opened))
    return found


def _key(opened: EncodedCollection) -> tuple[str, str]:
    return opened.version, opened.space.key


def _measured(opened: EncodedCollection, progress: Progress) -> DepthGrid:
    encoder = load(opened.passport.model)
    if not isinstance(encoder, LayeredEncoder):
        raise InputError(
            f"The encoder '{encoder.name}' shows no layers, so that nothing but its dimensions can "
            "be cut. See: sextant compress NAME --only truncation:dims=64"
        )
    space = opened.space
    rows, pixels = _pixels(opened, encoder.prepare)
    if len(rows) < LEAST:
        raise InputError(
            f"Depth needs {LEAST} images with their originals and {len(rows)} have one. Add images."
        )
    begin_step(progress, "encoding by layers", 1, 1, "images")
    outputs, seconds = list[list[Floats]](), list[Doubles]()
    for start in range(0, len(rows), BATCH):
        progress(start, len(rows))
        batch = pixels[start : start + BATCH]
        found, ends = encoder.image_layers(batch)
        if not found:
            raise InputError(
                f"The image half of '{encoder.name}' has no list of layers to stop after."
            )
        outputs.append(found)
        seconds.append(ends / len(batch))
    progress(len(rows), len(rows))
    layers = [np.concatenate(layer) for layer in zip(*outputs, strict=True)]
    judged = held_out_rows(opened)[rows]
    return _grid(space, encoder.name, rows, judged, layers, np.median(seconds, axis=0) * 1000)


def depth_document(grid: DepthGrid) -> dict[str, Any]:
    """The grid as JSON."""
    return {
        "encoder": grid.encoder,
        "fitted": grid.fitted,
        "judged": grid.judged,
        "queries": grid.asked,
        "cells": [
            {"layer": layer, "dims": dims, "ms_per_image": float(ms), **interval_document(cell)}
            for layer, ms, row in zip(grid.layers, grid.ms, grid.recall, strict=True)
            for dims, cell in zip(grid.dims, row, strict=True)
        ],
        "sentence": grid.sentence,
    }


def _pixels(opened: EncodedCollection, prepare: Callable[[Any], Floats]) -> tuple[Ints, Floats]:
    """Rows of a sample of the images whose originals can be read, and their pixels."""
    space, rows, pixels = opened.space, [], []
    for row in sampled_rows(space, "image", IMAGES, 0).tolist():
        try:
            image = decode(opened.collection.payload(space.ids[row]), space.ids[row])
        except (UnreadableFile, InputError):  # imported as a vector alone, or gone since
            continue
        rows.append(row)
        pixels.append(prepare(image))
    return np.array(rows, np.int64), np.stack(pixels) if pixels else np.empty(0, np.float32)


def _grid(
    space: Space, name: str, rows: Ints, judged: Bools, layers: list[Floats], ms: Doubles
) -> DepthGrid:
    train, test = rows[~judged], rows[judged]
    mean = space.vectors[train].mean(axis=0)
    axes = np.linalg.svd(space.vectors[train] - mean, full_matrices=True)[2]
    dims = tuple(sorted({max(1, space.d // part) for part in WIDTHS}))
    queries, own = _queries(space, test)
    whole = queries @ space.vectors[test].T
    exact = _lists(whole, own)
    along = queries @ axes.T
    coordinates = [
        _predicted(layer, ~judged, (space.vectors[train] - mean) @ axes.T) for layer in layers
    ]
    coordinates.append((space.vectors[test] - mean) @ axes.T)
    clusters = np.arange(len(queries)) if own is not None else groups(space)[_texts(space, test)]
    recall = []
    for values in coordinates:
        cells = []
        for m in dims:
            scores = along[:, :m] @ values[:, :m].T  # the mean adds the same to all of a query's
            if own is not None:
                scores[own, own] = -np.inf
            cells.append(list_recall(places(scores.astype(np.float32), exact), clusters))
        recall.append(tuple(cells))
    numbers = (*range(1, len(layers) + 1), 0)
    times = np.append(ms, ms[-1])
    return DepthGrid(name, numbers, dims, times, tuple(recall), len(train), len(test), len(queries))


def _texts(space: Space, images: Ints) -> Ints:
    rows: Ints = space.pairs[np.isin(space.pairs[:, 0], images), 1]
    return rows


def _queries(space: Space, images: Ints) -> tuple[Floats, Ints | None]:
    """Texts of the images; without any the images themselves, with their places."""
    texts = _texts(space, images)
    if len(texts) >= K:
        return space.vectors[texts], None
    return space.vectors[images], np.arange(len(images))


def _lists(scores: Floats, own: Ints | None) -> Ints:
    if own is not None:
        scores[own, own] = -np.inf
    return select(scores, K)[0]


def _predicted(outputs: Floats, train: Any, coordinates: Floats) -> Floats:
    """Coordinates of the images that are judged, by ridge regression on the others."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(outputs[train], coordinates)
    found: Floats = fitted.predict(outputs[~train])
    return found
