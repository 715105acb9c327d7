"""Compressors beside faiss's and LanceDB's: seconds, bytes, recall@10, memory, in one run.

On SEXTANT_BENCH_ROWS synthetic images in 512 dimensions (200,000 and then 1,000,000 by default), of
which every way is fitted and which it encodes, and on flickr8k-800 and imagenet-600 where they are
at hand. Queries are images, and texts on the other side of a gap where there are some: half of each
choose how many results full vectors rescore, the other half judge. Recall is the lowest of all
kinds, against the exact ranking, with half its 95% interval over queries. Bytes are those of the
images' codes and of all that decodes them. Times are of one query after the other; faiss searches
one in one thread. SEXTANT_BENCH_WAYS names some of the ways, with spaces between; the others, also
those of other libraries, are left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from core.improve import Compressed, compressed, fit_way, parse_way
from core.numerics import neighbors
from core.numerics.stats import Z
from core.search.index import two_bit
from core.types import Floats, Ints, Kind, Space
from core.workbench import Workbench
from tests.bench.compress.clouds import cloud
from tests.bench.compress.others import FAISS, LANCE, Other, of_faiss, of_lance
from tests.bench.cost import measured, median_ms
from tests.bench.rows import figures

DATA = Path(__file__).parents[4] / "shared" / "data"
COLLECTIONS = ("flickr8k-800", "imagenet-600")
ROWS, K, QUERIES, TIMED = (200_000, 1_000_000), 10, 100, 12
LEVEL = 0.99  # recall@10 that rescoring has to keep
SHORTLISTS = (10, 20, 50, 100, 200, 500, 1000, 2000)
WAYS = (
    "float32", "float16", "int8", "int8:per=row",
    "truncation:dims=128", "truncation:dims=128:order=pca", "truncation:dims=76:numbers=int8",
    "truncation:dims=128:numbers=int4",
    "rabitq:bits=1", "rabitq:bits=2", "rabitq:bits=4",
    "bebr:bits=1", "bebr:bits=1:distance=asymmetric",
    "pq:parts=64", "opq:parts=64", "repconc:parts=64", "simvq:parts=64",
)  # fmt: skip
AROUND, LARGE = "rabitq:bits=1:centers=512", 100_000  # images that pay for so many centers
Ranked = Callable[[Floats, Kind, int], Ints]  # the first m for each of some queries


def run() -> Iterator[dict[str, Any]]:
    """A row for each way of each collection, all with the same columns."""
    for space, name in _spaces():
        yield from _collection(space, name)


def _spaces() -> Iterator[tuple[Space, str]]:
    for name in COLLECTIONS:
        if (DATA / name).exists():
            with TemporaryDirectory() as folder:
                bench = Workbench(folder)
                bench.ingest(name, DATA / name)
                space = bench.open(name).space
            yield space, name
    given = os.environ.get("SEXTANT_BENCH_ROWS")
    for n in (int(given),) if given else ROWS:
        yield cloud(n), "synthetic"


class Judged:
    """Queries of both kinds with their exact results among the images of a space."""

    def __init__(self, space: Space, name: str) -> None:
        self.space, self.name = space, name
        kinds: dict[Kind, bool] = {"image": True, "text": space.n > space.n_images}
        self.rows = {kind: _some(space, kind) for kind, there in kinds.items() if there}
        images = np.arange(space.n) < space.n_images
        self.exact = {
            kind: neighbors.top_k(space.vectors[rows], space.vectors, K, mask=images, exclude=rows)[
                0
            ]
            for kind, rows in self.rows.items()
        }
        two_bit.sketch(space)
        self.floor_ms = min(
            self._timed(lambda query, _: two_bit.top_k(space, query[0], K, mask=images)[0][None]),
            self._timed(lambda query, _: neighbors.top_k(query, space.images, K)[0]),
        )

    def row(
        self, measurement: str, ranked: Ranked, bytes_per_item: float,
        fit: tuple[float, int], encode: tuple[float, int],
    ) -> dict[str, Any]:  # fmt: skip
        """Recall and milliseconds of one way, with what it took to build."""
        most = SHORTLISTS[-1]
        place = {kind: self._places(ranked, kind, most) for kind in self.rows}

        def least(shortlist: int, part: slice) -> tuple[float, float]:
            shares = [(where[part] <= shortlist).mean(axis=1) for where in place.values()]
            return min((x.mean(), Z * x.std() / len(x) ** 0.5) for x in shares)

        choosing, judging = slice(0, None, 2), slice(1, None, 2)
        shortlist = next((m for m in SHORTLISTS if least(m, choosing)[0] >= LEVEL), most)
        codes_ms = self._timed(lambda query, kind: ranked(query, kind, K))
        both_ms = self._timed(lambda query, kind: self._two_steps(ranked, query, kind, shortlist))
        size = self.space.images.nbytes
        return {
            "measurement": f"{self.name}, {self.space.n_images:,}: {measurement}",
            "fit, s": figures(fit[0]),
            "encode, s": figures(encode[0]),
            "memory to fit": figures(fit[1] / size),
            "memory to encode": figures(encode[1] / size),
            "bytes an item": figures(bytes_per_item),
            "recall@10": figures(least(K, judging)[0]),
            "±": figures(least(K, judging)[1]),
            "ms": figures(codes_ms),
            "rescored": shortlist,
            "recall@10 rescored": figures(least(shortlist, judging)[0]),
            "ms rescored": figures(both_ms),
            "by fastest exact": figures(both_ms / self.floor_ms),
        }

    def _places(self, ranked: Ranked, kind: Kind, most: int) -> Ints:
        """(q, K) place, from 1, of each exact result; `most` + 1 where it is not among them."""
        rows, exact = self.rows[kind], self.exact[kind]
        found = ranked(self.space.vectors[rows], kind, min(most, self.space.n_images))
        if kind == "image":
            found = np.where(found == rows[:, None], -1, found)
        same = found[:, None] == exact[:, :, None]
        place = np.where(same.any(axis=2), same.argmax(axis=2) + 1, most + 1)
        own = np.where((found == -1).any(axis=1), (found == -1).argmax(axis=1) + 1, most + 1)
        return place - (own[:, None] < place)

    def _two_steps(self, ranked: Ranked, query: Floats, kind: Kind, shortlist: int) -> Ints:
        rows = ranked(query, kind, shortlist)[0]
        return two_bit.rescored(self.space, query[0], rows[rows >= 0], K)[0]

    def _timed(self, work: Callable[[Floats, Kind], Ints]) -> float:
        each = [
            (self.space.vectors[row][None], kind) for kind in self.rows for row in self.rows[kind]
        ]
        each = each[:: max(1, len(each) // TIMED)]
        return median_ms(lambda i: work(*each[i]), len(each))


def _collection(space: Space, name: str) -> Iterator[dict[str, Any]]:
    judged = Judged(space, name)
    images = space.subset(np.arange(space.n_images))
    ways = (*WAYS, AROUND) if space.n_images >= LARGE else WAYS
    given = os.environ.get("SEXTANT_BENCH_WAYS")
    for text in given.split() if given else ways:
        way = parse_way(text)
        *fit, fitted = measured(lambda way=way: fit_way(space, way))
        *encode, kept = measured(lambda f=fitted, way=way: compressed(images, f, way))
        yield judged.row(text, _ours(kept), _bytes_per_item(kept), tuple(fit), tuple(encode))
        del kept, fitted
    if given:
        return
    for factory in FAISS:
        yield _other(judged, of_faiss(space.images, factory))
    for kind in LANCE:
        with TemporaryDirectory() as folder:
            yield _other(judged, of_lance(space.images, kind, folder))


def _other(judged: Judged, other: Other) -> dict[str, Any]:
    return judged.row(
        other.name, lambda queries, _, m: other.search(queries, m), other.bytes_per_item,
        other.fit, other.encode,
    )  # fmt: skip


def _bytes_per_item(kept: Compressed) -> float:
    """Of the images' codes and what decodes them: other libraries know no texts."""
    own = [a.nbytes for name, a in kept.arrays.items() if not name.startswith("text.")]
    return sum(own) / kept.n


def _ours(kept: Compressed) -> Ranked:
    def ranked(queries: Floats, kind: Kind, most: int) -> Ints:
        lists = []
        for start in range(0, len(queries), 8):
            scores = kept.fitted.scores(
                queries[start : start + 8], kind, kept.codes["image"], "image"
            )
            lists.append(neighbors.select(scores, most)[0])
        return np.concatenate(lists)

    return ranked


def _some(space: Space, kind: Kind) -> Ints:
    span = space.span(kind)
    return np.random.default_rng(1).permutation(np.arange(span.start, span.stop))[:QUERIES]
