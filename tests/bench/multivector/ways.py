"""Ways to find items by several vectors each, and what an item costs in each."""

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
    """Items or questions: (n, d) unit rows of the wholes, and each one's (t, d) parts."""

    whole: Floats
    parts: list[Floats]

    def one(self, at: int) -> Bag:
        """A single one of them."""
        return Bag(self.whole[at : at + 1], self.parts[at : at + 1])


Ask = Callable[[Bag], Floats]
Way = Callable[[Bag], tuple[Ask, float]]
"""From items to what answers questions with (q, n) scores, and the bytes an item takes."""


def ways(words_mean: Floats, parts_mean: Floats) -> Mapping[str, Way]:
    """All ways by name; the means are those of other questions' and items' parts."""

    def mean_of_parts(items: Bag) -> tuple[Ask, float]:
        kept = _means(items, parts_mean)
        return lambda asked: _means(asked, words_mean) @ kept.T, _whole(items)

    def fixed(items: Bag, bits: int = 5) -> tuple[Ask, float]:
        kept = MuveraIndex(FixedEncoding(len(parts_mean), bits), len(items.parts))
        lengths = np.array([len(part) for part in items.parts])
        kept.put(np.arange(len(lengths)), np.concatenate(items.parts) - parts_mean, lengths)

        def ask(asked: Bag) -> Floats:
            first = np.stack([kept.scores(part - words_mean) for part in asked.parts])
            return _again(first, asked, items, 0.0)

        return ask, kept.nbytes / len(lengths) + _half(items)

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
        "centred mean of parts": mean_of_parts,
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
    """The mean of each word's best match, with every item."""
    return lambda asked: np.stack([best_matches(w, items.parts).mean(axis=1) for w in asked.parts])


def reranked(items: Bag) -> tuple[Ask, float]:
    """One vector finds, MaxSim with half the weight orders the best again."""

    def ask(asked: Bag) -> Floats:
        return _again(asked.whole @ items.whole.T, asked, items, 0.5)

    return ask, _whole(items) + _half(items)


def _again(first: Floats, asked: Bag, items: Bag, share: float) -> Floats:
    """The best of a first stage by MaxSim, mixed with a share of the first; the rest below."""
    scores = first - np.float32(1e3)
    for q, words in enumerate(asked.parts):
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
    """Mean bytes of an item's parts in half precision."""
    return 2 * items.whole.shape[1] * float(np.mean([len(parts) for parts in items.parts]))


def _unit(rows: Floats) -> Floats:
    found: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return found
