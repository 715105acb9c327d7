"""Compressors of vectors, one file each. Add one by adding a file.

A compressor is fitted on a space of training rows and gives a coder for each kind, around the mean
of that kind. Queries stay floats unless it says otherwise, so that only rows lose something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import InputError
from core.improve.code_scores import add_centers, code_scores, symmetric_scores
from core.improve.coding import Coder
from core.improve.multiplexing import SharedTable
from core.improve.quantizers import SHORT, Array, Codes, Numbers, RowGrid, taken
from core.registry import Registry
from core.types import KINDS, Attributes, Floats, Kind, Progress, Space

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
        table: of attributes, whose coordinates codes have after those of the rows.
    """

    coders: Mapping[Kind, Coder]
    symmetric: bool = False
    table: SharedTable | None = None

    def encode(
        self,
        vectors: Floats,
        kind: Kind,
        report: Progress | None = None,
        attributes: Attributes | None = None,
    ) -> Codes:
        """Codes of (n, d) unit rows of one kind: arrays with n rows each, by name."""
        codes = self._coder(kind).encode(vectors, report)
        if self.table is None:
            return codes
        own, code = attributes or Attributes((), np.empty((0, 2), np.int64)), codes["code"]
        beside = self.table.rows(own, len(code)).astype(code.dtype)
        return {"code": np.concatenate([code, beside], axis=1)}

    def decode(self, codes: Codes, kind: Kind) -> Floats:
        """(n, d) rows that codes stand for; (n, e) unit rows where symmetric."""
        coder = self._coder(kind)
        values = coder.decode(taken(codes, slice(None)))[:, : coder.dims]
        return _unit(values) if self.symmetric else coder.rows(values)

    def queries(self, vectors: Floats, kind: Kind) -> Floats:
        """(q, d) queries of one kind as they meet decoded rows."""
        return self.decode(self.encode(vectors, kind), kind) if self.symmetric else vectors

    def preferring(self, queries: Floats, wanted: Sequence[tuple[str, str]]) -> Floats:
        """(q, d + e) queries with the (field, value) that they prefer, for `scores`.

        Raises:
            InputError: the codes have no attributes.
        """
        if self.table is None:
            raise InputError(
                "These codes have no attributes to prefer. Keep some that do: "
                "sextant compress NAME --keep attributes"
            )
        beside = np.broadcast_to(self.table.wanted(wanted), (len(queries), self.table.dims))
        return np.concatenate([queries, beside], axis=1)

    def scores(
        self,
        queries: Floats,
        query_kind: Kind,
        codes: Codes,
        kind: Kind,
        *,
        coarse: bool = False,
    ) -> Floats:
        """(q, n) scores of (q, d) unit queries, or as `preferring` gives them, with rows of a kind.

        Of a few queries from the codes as they are, see `core.improve.code_scores` for the error
        and for `coarse`; of more from rows that are decoded once for all queries, some thousand at
        a time.
        """
        coder = self._coder(kind)
        if "of" in codes:
            own = {name: array for name, array in codes.items() if name != "of"}
            return self.scores(queries, query_kind, own, kind, coarse=coarse)[:, codes["of"]]
        n = len(codes["code"])
        few = len(queries) <= FEW
        if self.symmetric:
            if few:
                asked = self.encode(queries, query_kind)
                return symmetric_scores(asked["code"], codes["code"], coder.dims)
            along, bias = self.queries(queries, query_kind), np.zeros(len(queries), np.float32)
        else:
            along, bias = coder.along(queries[:, : coder.d])
            if self.table:
                beside = np.zeros((len(queries), self.table.dims), np.float32)
                beside[:, : queries.shape[1] - coder.d] = queries[:, coder.d :]
                along = np.concatenate([along, beside], axis=1)
            if few and coder.quantizer != Numbers("f4"):
                found = code_scores(along, codes, coder.quantizer, coarse=coarse)
                if coder.centers is not None:
                    add_centers(found, along, codes, coder.centers)
                return found + bias[:, None]
        found = np.empty((len(queries), n), np.float32)
        step = max(256, BLOCK // coder.dims)
        for start in range(0, n, step):
            part = slice(start, start + step)
            values = coder.decode({name: array[part] for name, array in codes.items()})
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
        return found | ({"signs": self.table.signs} if self.table else {})

    def _coder(self, kind: Kind) -> Coder:
        if kind not in self.coders:
            raise InputError(
                f"The compressor was fitted without {kind}s. Fit it on a collection that has some."
            )
        return self.coders[kind]


COMPRESSORS: Registry[Callable[..., FittedCompressor]] = Registry(__name__, "compressor")
compressor = COMPRESSORS


def for_each_kind(train: Space, fit: Callable[[Floats, Kind], Coder]) -> FittedCompressor:
    """A compressor of what `fit` makes of the rows of each kind that there is.

    Raises:
        InputError: no rows at all.
    """
    rows = {kind: train.vectors[train.span(kind)] for kind in KINDS}
    if not train.n:
        raise InputError("There are no vectors to fit a compressor on. Add images or texts first.")
    return FittedCompressor({kind: fit(rows[kind], kind) for kind in KINDS if len(rows[kind])})


def _unit(values: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
    return values / np.maximum(lengths, SHORT)[:, None]
