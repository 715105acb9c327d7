"""A synthetic collection around the starter's caption vectors, with thumbnails and captions."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from core.encoders import encoder
from core.ingest.images import decode, thumbnail
from core.workbench import DEFAULT_ENCODER, Workbench
from tests.bench.ingest import gradients

NAME = "synthetic"
SUBJECTS = "a dog", "two men", "a red car", "children", "an old woman", "a bird", "a black cat"
DOING = "running", "asleep", "waiting", "playing", "jumping", "looking up"
PLACES = "on a beach", "in the snow", "by a lake", "at night", "on a street", "in a kitchen"
NOISE = 0.8  # length of a row's noise; caption vectors have length 1
THUMBNAILS = 64  # distinct ones


def fill(workbench: Workbench, n: int, queries: int) -> list[str]:
    """Store n rows around the starter's vectors of captions; returns captions to search for."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    captions = [" ".join(words) for words in product(SUBJECTS, DOING, PLACES)]
    near = encoder.load(DEFAULT_ENCODER).encode_texts(captions)
    caption = np.tile(rng.integers(len(captions), size=n // 2), 2)
    own = rng.standard_normal((len(caption), near.shape[1]), np.float32)
    rows = near[caption] + NOISE / np.sqrt(near.shape[1]) * own
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    half, column = n // 2, pa.FixedSizeListArray.from_arrays(rows.ravel(), rows.shape[1])
    columns = {
        "id": [f"{i:09d}" for i in range(2 * half)],
        "kind": ["image"] * half + ["text"] * half,
        "pair": [str(i % half) for i in range(2 * half)],
        "text": [""] * half + [f"{captions[row]}, {i}" for i, row in enumerate(caption[:half])],
        "vector": column,
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.parquet"
        parquet.write_table(pa.table(columns), path)
        workbench.ingest(NAME, path, encoder=DEFAULT_ENCODER)
    small = [thumbnail(decode(data, "synthetic")) for data in gradients(THUMBNAILS)]
    space, collection = workbench.open(NAME).space, workbench.home.open(NAME)
    collection.add(
        [], thumbnails={id_: small[i % THUMBNAILS] for i, id_ in enumerate(space.ids[:half])}
    )
    collection.optimize()
    return [captions[i] for i in rng.choice(len(captions), queries, replace=False)]
