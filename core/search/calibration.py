"""A cut learnt from a collection's own pairs: which score a true match reaches, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from core.findings import wilson
from core.neighbors import cosines
from core.search.adapter import Adapter, features
from core.types import Doubles, Floats

MISSES = tuple(i / 20 for i in range(1, 19))  # miss rates that one can ask for

Typical = tuple[float, float, float, float]


@dataclass(frozen=True)
class Calibration:
    """What true matches look like in one collection, for a text that looks for pictures.

    A hit has two marks: its adapted score and its plain cosine, each in deviations from the mean of
    the true pairs used for fitting. The lower of the two counts: the score follows the query, the
    cosine keeps queries about something else from having matches. A hit is kept where it reaches
    what true pairs not used for fitting reach as often as promised (split conformal).

    Source: Vovk, Gammerman, Shafer. Algorithmic Learning in a Random World. Springer 2005;
    Angelopoulos et al. Conformal Risk Control. ICLR 2024.

    Args:
        adapter: from cosines to scores.
        sample: (s, d) vectors of the pictures that a query's features are taken from.
        typical: mean and deviation of the true pairs' cosines, then of their adapted scores.
        marks: (m,) lower marks of true pairs that were not used for fitting, in order.
        judged: (j,) the same of further true pairs: what the cut keeps is measured on them.
        pictures: number of pictures that those belong to.
        usual: the miss rate to use when none is asked for; 0 where chance tells better.
        held_out: whether the measured pairs are those marked `split = test`.
    """

    adapter: Adapter
    sample: Floats
    typical: Typical
    marks: Doubles
    judged: Doubles
    pictures: int
    usual: float
    held_out: bool

    def line(self, vectors: Floats) -> tuple[Doubles, Doubles]:
        """Slope and shift, (q,) each, of (q, d) queries."""
        found = cosines(self.sample, vectors.T).T
        return self.adapter.line(features(found))

    def cosine(self, vector: Floats, miss: float) -> float:
        """The cosine from which a picture is kept when a share `miss` of them may be missed."""
        a, b = self.line(vector[None])
        least, (mean, sd, middle, width) = conformal(self.marks, miss), self.typical
        return max(mean + sd * least, float((middle + width * least - b[0]) / a[0]))

    def kept(self, miss: float) -> tuple[float, float, float]:
        """Share of true matches that the cut keeps, measured, with its 95 % interval.

        The captions of a picture stand or fall together, so the interval counts pictures.
        """
        share = float((self.judged >= conformal(self.marks, miss)).mean())
        low, high = wilson(share * self.pictures, self.pictures)
        return share, low, high


def conformal(scores: Doubles, miss: float) -> float:
    """Highest threshold that a new true match stays below with a chance of at most `miss`.

    Of m + 1 exchangeable scores the new one is among the lowest i with chance i / (m + 1).

    >>> conformal(np.arange(1.0, 10.0), 0.2), conformal(np.arange(1.0, 10.0), 0.05)
    (2.0, -inf)
    """
    below = int(np.floor(miss * (len(scores) + 1) + 1e-9))
    return float(scores[below - 1]) if below else -inf
