"""Whether the pictures nearest to a picture show the same, judged by the collection's labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.numerics.labels import classes
from core.numerics.neighbors import top_k
from core.numerics.stats import normal
from core.types import Bools, Doubles, Floats, Ints, Kind, Query, Space, per_space

LEAST, K = 20, 5
ASKED, AMONG = 1000, 20_000  # pictures that ask, and that can be found, at most


@dataclass(frozen=True)
class LabelAgreement:
    """Shares of the 5 nearest pictures that carry the label of the picture that asks.

    `by_picture` when the picture itself asks, `by_captions` when its captions do (None where too
    few have any), each with its 95 % interval over pictures; `gain` is the difference between the
    two over the same pictures; `chance` what random pictures would give; `n` pictures asked.
    """

    by_picture: tuple[float, float, float]
    by_captions: tuple[float, float, float] | None
    gain: tuple[float, float, float] | None
    chance: float
    n: int

    @property
    def sentence(self) -> str:
        """Why pictures are a poor question here; "" where they are a good one."""
        value, low, high = self.by_picture
        shown = (
            f"of the {K} pictures nearest to a picture {value:.0%} ({low:.0%} to {high:.0%}) "
            f"share its label"
        )
        if low <= self.chance:
            return (
                f"A picture is a poor question here: {shown}, no more than chance "
                f"({self.chance:.0%})."
            )
        if self.gain and self.by_captions and self.gain[2] < 0:
            return (
                f"Words find more than a picture here: {shown}, of those nearest to its captions "
                f"{self.by_captions[0]:.0%}; chance {self.chance:.0%}. Add words to the question."
            )
        return ""


@per_space
def neighbor_label_agreement(space: Space) -> LabelAgreement | None:
    """How often near pictures share a label; None with too few labelled pictures to tell.

    >>> rows = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)
    >>> labels = (("a",),) * 10 + (("b",),) * 10
    >>> space = Space(rows, tuple(map(str, range(20))), 20, labels=labels)
    >>> neighbor_label_agreement(space).by_picture
    (1.0, 1.0, 1.0)
    """
    found = classes(space, "image", least=2)
    if len(found.names) < 2 or len(found.rows) < LEAST:
        return None
    rng = np.random.default_rng(0)
    among = np.sort(rng.permutation(len(found.rows))[:AMONG])
    rows, codes = found.rows[among], found.codes[among]
    asked = np.sort(rng.permutation(len(rows))[:ASKED])
    sizes = np.bincount(codes)
    chance = float(((sizes[codes[asked]] - 1) / (len(rows) - 1)).mean())
    own = _shares(space.vectors[rows[asked]], space, rows, codes, asked)
    said, has = _captions(space, rows[asked])
    if has.sum() < LEAST:
        return LabelAgreement(_interval(own), None, None, chance, len(asked))
    words = _shares(said[has], space, rows, codes, asked[has])
    return LabelAgreement(
        _interval(own), _interval(words), _interval(own[has] - words, -1), chance, len(asked)
    )


def image_query_warning(space: Space, query: Query) -> str:
    """The sentence for a question in which a picture asks for pictures; "" for all others."""
    pictures = any(
        part.image or (part.item and space.row[part.item] < space.n_images)
        for part in query.parts
        if part.weight > 0
    )
    wanted: Kind = "image"
    if not pictures or wanted not in query.kinds:
        return ""
    found = neighbor_label_agreement(space)
    return found.sentence if found else ""


def _shares(queries: Floats, space: Space, rows: Ints, codes: Ints, asked: Ints) -> Doubles:
    """(q,) share of each query's nearest rows with the code of the row that asks, itself aside."""
    near = top_k(queries, space.vectors[rows], K, exclude=asked)[0]
    return np.asarray((codes[near] == codes[asked][:, None]).mean(axis=1))


def _captions(space: Space, rows: Ints) -> tuple[Floats, Bools]:
    """(q, d) mean unit vector of each picture's texts, and which pictures have any."""
    place = np.full(space.n, -1, np.int64)
    place[rows] = np.arange(len(rows))
    image, text = space.pairs.T
    at = place[image]
    sums = np.zeros((len(rows), space.d), np.float64)
    np.add.at(sums, at[at >= 0], space.vectors[text[at >= 0]])
    lengths = np.linalg.norm(sums, axis=1)
    has = lengths > 1e-6
    return (sums / np.where(has, lengths, 1)[:, None]).astype(np.float32), has


def _interval(values: Doubles, low: float = 0.0) -> tuple[float, float, float]:
    value, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    return value, *normal(value, error, low, 1.0)
