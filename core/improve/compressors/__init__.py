"""Compressors of vectors, one file each. Add one by adding a file.

A compressor is fitted on a space of training rows and gives a coder for each kind, around the mean
of that kind. Queries stay floats unless it says otherwise, so that only rows lose something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import InputError
from core.improve.code_scores import code_scores, symmetric_scores
from core.improve.coding import Coder
from core.improve.quantizers import SHORT, Array, Codes, Numbers, RowGrid, taken
from core.registry import Registry
from core.types import KINDS, Floats, Kind, Progress, Space

FEW = 16  # queries up to which codes as they are, one query at a time, are faster than decoding
BLOCK = 1 << 21  # decoded numbers at a time


@dataclass(frozen=True)
class FittedCompressor:
    """Codes of rows of both kinds, and scores of queries with them.

    A score is the inner product of a query, as `queries` gives it, with a row, as `decode` gives
    it: an estimate of the cosine.

    Args:
        coders: one for each kind that it was fitted on.
        symmetric: queries become codes as well; a score is the cosine of what the codes stand for.
    """

    coders: Mapping[Kind, Coder]
    symmetric: bool = False

    def encode(self, vectors: Floats, kind: Kind, report: Progress | None = None) -> Codes:
        """Codes of (n, d) unit rows of one kind: arrays with n rows each, by name."""
        return self._coder(kind).encode(vectors, report)

    def decode(self, codes: Codes, kind: Kind) -> Floats:
        """(n, d) rows that codes stand for; (n, e) unit rows where symmetric."""
        coder = self._coder(kind)
        values = coder.quantizer.decode(taken(codes, slice(None)))
        return _unit(values) if self.symmetric else coder.rows(values)

    def queries(self, vectors: Floats, kind: Kind) -> Floats:
        """(q, d) queries of one kind as they meet decoded rows."""
        return self.decode(self.encode(vectors, kind), kind) if self.symmetric else vectors

    def scores(self, queries: Floats, query_kind: Kind, codes: Codes, kind: Kind) -> Floats:
        """(q, n) scores of (q, d) unit queries with rows of one kind.

        Of a few queries from the codes as they are, see `core.improve.code_scores` for the error;
        of more from rows that are decoded once for all queries, some thousand at a time.
        """
        coder = self._coder(kind)
        if "of" in codes:
            own = {name: array for name, array in codes.items() if name != "of"}
            return self.scores(queries, query_kind, own, kind)[:, codes["of"]]
        n = len(codes["code"])
        few = len(queries) <= FEW
        if self.symmetric:
            if few:
                asked = self.encode(queries, query_kind)
                return symmetric_scores(asked["code"], codes["code"], coder.dims)
            along, bias = self.queries(queries, query_kind), np.zeros(len(queries), np.float32)
        else:
            along, bias = coder.along(queries)
            if few and coder.quantizer != Numbers("f4"):
                return code_scores(along, codes, coder.quantizer) + bias[:, None]
        found = np.empty((len(queries), n), np.float32)
        step = max(256, BLOCK // coder.dims)
        for start in range(0, n, step):
            part = slice(start, start + step)
            values = coder.quantizer.decode({name: array[part] for name, array in codes.items()})
            found[:, part] = along @ (_unit(values) if self.symmetric else values).T
        found += bias[:, None]
        return found

    def errors(self, codes: Codes, kind: Kind) -> Floats | None:
        """(n,) standard deviations of the scores of a unit query, where the compressor knows them.

        A row whose score is this many deviations below the k-th best is not among the k best.
        """
        quantizer = self._coder(kind).quantizer
        if not isinstance(quantizer, RowGrid) or not quantizer.error:
            return None
        return np.float32(quantizer.error) * taken(codes, slice(None))["scale"]

    @cached_property
    def arrays(self) -> dict[str, Array]:
        """Everything that is kept beside codes, as `kind.name`, or `name` where kinds share it."""
        found: dict[str, Array] = {}
        each = [(kind, coder.arrays) for kind, coder in self.coders.items()]
        for kind, arrays in each:
            for name, array in arrays.items():
                shared = len(each) > 1 and all(one.get(name) is array for _, one in each)
                found[name if shared else f"{kind}.{name}"] = array
        return found

    def _coder(self, kind: Kind) -> Coder:
        if kind not in self.coders:
            raise InputError(
                f"The compressor was fitted without {kind}s. Fit it on a collection that has some."
            )
        return self.coders[kind]


COMPRESSORS: Registry[Callable[..., FittedCompressor]] = Registry(__name__, "compressor")
compressor = COMPRESSORS


def for_each_kind(train: Space, fit: Callable[[Floats, Kind], Coder]) -> FittedCompressor:
    """A compressor of what `fit` makes of the rows of each kind that there is."""
    rows = {kind: train.vectors[train.span(kind)] for kind in KINDS}
    if not train.n:
        raise InputError("There are no vectors to fit a compressor on. Add images or texts first.")
    return FittedCompressor({kind: fit(rows[kind], kind) for kind in KINDS if len(rows[kind])})


def _unit(values: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
    return values / np.maximum(lengths, SHORT)[:, None]
