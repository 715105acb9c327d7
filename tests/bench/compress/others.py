"""What the compressors are compared with: flat indexes of faiss, inverted files of LanceDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import IvfPq, IvfRq

from core.types import Floats, Ints
from tests.bench.cost import measured

FAISS = (
    "SQ8", "PQ64", "OPQ64,PQ64", "RR{d},RaBitQ", "RR{d},RaBitQ2", "RR{d},RaBitQ4",
)  # fmt: skip
LANCE = "IVF_PQ", "IVF_RQ"
TRAINED, ROUNDS = 16_384, 15  # rows and rounds, as our own
PER_CENTROID = 64  # rows that LanceDB trains on
BLOCK = 50_000
PROBED = 64  # lists of LanceDB


@dataclass(frozen=True)
class Other:
    """An index of another library: seconds and memory to train and to fill it, and its search.

    `search` gives the (q, m) first rows of some queries; -1 where there are fewer.
    """

    name: str
    bytes_per_item: float
    fit: tuple[float, int]
    encode: tuple[float, int]
    search: Callable[[Floats, int], Ints]


def of_faiss(rows: Floats, factory: str) -> Other:
    """A flat index by faiss's own name for it, with {d} for the dimensions."""
    index: Any = faiss.index_factory(
        rows.shape[1], factory.format(d=rows.shape[1]), faiss.METRIC_INNER_PRODUCT
    )
    inner = index
    if "OPQ" in factory:
        turn = faiss.downcast_VectorTransform(index.chain.at(0))
        turn.niter = turn.niter_pq_0 = ROUNDS
        inner = faiss.downcast_index(index.index)
    if "PQ" in factory:
        inner.pq.cp.niter = ROUNDS
    sample = rows[np.sort(np.random.default_rng(0).permutation(len(rows))[:TRAINED])]
    fit_s, fit_bytes, _ = measured(lambda: index.train(sample))

    def fill() -> None:
        for start in range(0, len(rows), BLOCK):
            index.add(rows[start : start + BLOCK])

    encode_s, encode_bytes, _ = measured(fill)
    bytes_per_item = len(faiss.serialize_index(index)) / len(rows)

    def search(queries: Floats, most: int) -> Ints:
        found: Ints = index.search(queries, most)[1]
        return found

    name = f"faiss {factory.format(d=rows.shape[1])}"
    return Other(name, bytes_per_item, (fit_s, fit_bytes), (encode_s, encode_bytes), search)


def of_lance(rows: Floats, kind: str, folder: str) -> Other:
    """An inverted file of 64 bytes a row; training and filling are one step there."""
    n, d = rows.shape
    schema = pa.schema([("row", pa.int64()), ("vector", pa.list_(pa.float32(), d))])
    table: Any = lancedb.connect(folder).create_table("vectors", schema=schema)
    for start in range(0, n, BLOCK):
        part = rows[start : start + BLOCK]
        column = pa.FixedSizeListArray.from_arrays(part.ravel(), d)
        table.add(pa.table([np.arange(start, start + len(part)), column], schema=schema))
    lists = max(1, round(n**0.5))
    training: Any = {
        "distance_type": "dot", "num_partitions": lists,
        "max_iterations": ROUNDS, "sample_rate": PER_CENTROID,
    }  # fmt: skip
    config = IvfPq(num_sub_vectors=64, **training) if kind == "IVF_PQ" else IvfRq(**training)
    seconds, memory, _ = measured(lambda: table.create_index("vector", config=config))
    folders = Path(folder).glob("**/_indices")
    size = sum(file.stat().st_size for one in folders for file in one.rglob("*") if file.is_file())

    def search(queries: Floats, most: int) -> Ints:
        found = np.full((len(queries), most), -1, np.int64)
        for query, into in zip(queries, found, strict=True):
            asked = table.search(query).distance_type("dot").nprobes(PROBED)
            got = asked.select(["row", "_distance"]).limit(most).to_arrow()["row"].to_numpy()
            into[: len(got)] = got
        return found

    name = f"LanceDB {kind}, {min(PROBED, lists)} of {lists} lists"
    return Other(name, size / n, (seconds, memory), (0.0, 0), search)
