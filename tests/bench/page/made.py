"""A made collection: pictures with thumbnails and captions, where the starter's encoder looks."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from core.encoders import encoder
from core.ingest.images import decode, thumbnail
from core.workbench import Workbench
from core.workbench.ingest import DEFAULT_ENCODER
from tests.bench.ingest import gradients

NAME = "made"
SUBJECTS = "a dog", "two men", "a red car", "children", "an old woman", "a bird", "a black cat"
DOING = "running", "asleep", "waiting", "playing", "jumping", "looking up"
PLACES = "on a beach", "in the snow", "by a lake", "at night", "on a street", "in a kitchen"
NOISE = 0.8  # length of what each row has of its own, beside a caption's vector of length 1
SAME = 64  # thumbnails that differ


def fill(workbench: Workbench, n: int, asked: int) -> list[str]:
    """Keep n rows around the starter's own vectors of captions; returns captions to ask with."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    said = [" ".join(words) for words in product(SUBJECTS, DOING, PLACES)]
    near = encoder.load(DEFAULT_ENCODER).encode_texts(said)
    about = np.tile(rng.integers(len(said), size=n // 2), 2)
    own = rng.standard_normal((len(about), near.shape[1]), np.float32)
    rows = near[about] + NOISE / np.sqrt(near.shape[1]) * own
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    half, column = n // 2, pa.FixedSizeListArray.from_arrays(rows.ravel(), rows.shape[1])
    columns = {
        "id": [f"{i:09d}" for i in range(2 * half)],
        "kind": ["image"] * half + ["text"] * half,
        "pair": [str(i % half) for i in range(2 * half)],
        "text": [""] * half + [f"{said[row]}, {i}" for i, row in enumerate(about[:half])],
        "vector": column,
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.parquet"
        parquet.write_table(pa.table(columns), path)
        workbench.ingest(NAME, path, encoder=DEFAULT_ENCODER)
    small = [thumbnail(decode(data, "made")) for data in gradients(SAME)]
    space, collection = workbench.space(NAME), workbench.home.open(NAME)
    collection.add([], thumbnails={id_: small[i % SAME] for i, id_ in enumerate(space.ids[:half])})
    collection.optimize()
    return [said[i] for i in rng.choice(len(said), asked, replace=False)]
