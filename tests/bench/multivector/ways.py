"""Ways to search items by several vectors each, and their bytes an item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.numerics.multivector import best_matches, pool
from core.search.index.muvera import FixedEncoding, MuveraIndex
from core.search.query.tokens import BITS
from core.types.arrays import Floats
from core.types.tokens import Pooling

SHORTLIST = 100


@dataclass(frozen=True)
class Bag:
    """Items or queries: (n, d) unit rows, and the (t, d) token vectors of each."""

    whole: Floats
    parts: list[Floats]

    def one(self, at: int) -> Bag:
        """A single one of them."""
        return Bag(self.whole[at : at + 1], self.parts[at : at + 1])


Ask = Callable[[Bag], Floats]
Way = Callable[[Bag], tuple[Ask, float]]
"""From items to a function that scores queries (q, n), and the bytes an item takes."""


def ways(query_mean: Floats, item_mean: Floats) -> Mapping[str, Way]:
    """All ways by name; the means are those of the tokens of other queries and items."""

    def mean_encode_item(items: Bag) -> tuple[Ask, float]:
        means = _means(items, item_mean)
        return lambda queries: _means(queries, query_mean) @ means.T, _whole(items)

    def fixed(items: Bag, bits: int = 5) -> tuple[Ask, float]:
        index = MuveraIndex(FixedEncoding(len(item_mean), bits), len(items.parts))
        lengths = np.array([len(part) for part in items.parts])
        index.put(np.arange(len(lengths)), np.concatenate(items.parts) - item_mean, lengths)

        def ask(queries: Bag) -> Floats:
            first = np.stack([index.scores(part - query_mean) for part in queries.parts])
            return _again(first, queries, items, 0.0)

        return ask, index.nbytes / len(lengths) + _half(items)

    fewer = {
        "4 vectors": Pooling(keep=4),
        "8 vectors": Pooling(keep=8),
        "8 vectors, k-means": Pooling("kmeans", keep=8),
        "a quarter": Pooling(ratio=0.25),
        "a quarter, k-means": Pooling("kmeans", ratio=0.25),
    }
    return {
        "single vector": lambda items: (lambda a: a.whole @ items.whole.T, _whole(items)),
        "single + MaxSim rerank": reranked,
        **{
            f"single + MaxSim rerank, {name}": _first_fewer(fewer[name], reranked)
            for name in ("8 vectors", "8 vectors, k-means")
        },
        "centered mean of tokens": mean_encode_item,
        **{name: _first_fewer(pooling, _late) for name, pooling in fewer.items()},
        "fixed encoding + MaxSim rerank": fixed,
        "fixed encoding + MaxSim rerank, 8 vectors": _first_fewer(
            Pooling(), lambda items: fixed(items, BITS)
        ),
        "exact multi-vector": _late,
    }


def _late(items: Bag) -> tuple[Ask, float]:
    return exact(items), _half(items)


def exact(items: Bag) -> Ask:
    """The mean best match of the query tokens, with every item."""
    return lambda queries: np.stack(
        [best_matches(w, items.parts).mean(axis=1) for w in queries.parts]
    )


def reranked(items: Bag) -> tuple[Ask, float]:
    """Candidates by one vector, reranked by MaxSim with half the weight."""

    def ask(queries: Bag) -> Floats:
        return _again(queries.whole @ items.whole.T, queries, items, 0.5)

    return ask, _whole(items) + _half(items)


def _again(first: Floats, queries: Bag, items: Bag, share: float) -> Floats:
    """The best of a first stage by MaxSim, mixed with a share of the first; the rest below."""
    scores = first - np.float32(1e3)
    for q, words in enumerate(queries.parts):
        best = np.argpartition(-first[q], min(SHORTLIST, first.shape[1]) - 1)[:SHORTLIST]
        late = best_matches(words, [items.parts[i] for i in best]).mean(axis=1)
        scores[q, best] = share * first[q, best] + (1 - share) * late
    return scores


def _first_fewer(pooling: Pooling, way: Way) -> Way:
    return lambda items: way(_few(items, pooling))


def _few(items: Bag, pooling: Pooling) -> Bag:
    return Bag(items.whole, [pool(parts, pooling) for parts in items.parts])


def _means(bag: Bag, mean: Floats) -> Floats:
    return _unit(np.stack([(part - mean).mean(axis=0) for part in bag.parts]))


def _whole(items: Bag) -> float:
    """Bytes of an item's one vector."""
    return 4.0 * items.whole.shape[1]


def _half(items: Bag) -> float:
    """Mean bytes of an item's tokens in half precision."""
    return 2 * items.whole.shape[1] * float(np.mean([len(parts) for parts in items.parts]))


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit
