"""A way to keep vectors in fewer bytes: fitted, and the codes of a collection's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.improve.compressors import COMPRESSORS, FittedCompressor
from core.improve.quantizers import SHORT, Array, Codes, count, taken
from core.improve.recipe import Step, step_of
from core.types import KINDS, Floats, Ints, Kind, Progress, Space


@dataclass(frozen=True)
class Compressed:
    """Codes of all rows of a space, with what they need to be searched.

    Args:
        way: the compressor and the settings that differ from its defaults.
        fitted: what it was fitted to.
        codes: of the rows of each kind that there is, in the order of the space.
    """

    way: Step
    fitted: FittedCompressor
    codes: Mapping[Kind, Codes]

    @property
    def n(self) -> int:
        """Rows."""
        return sum(count(codes) for codes in self.codes.values())

    def scores(self, queries: Floats, query_kind: Kind) -> Floats:
        """(q, n) scores of (q, d) unit queries of one kind with all rows, images first."""
        parts = [
            self.fitted.scores(queries, query_kind, codes, kind)
            for kind, codes in self.codes.items()
        ]
        return np.concatenate(parts, axis=1)

    @cached_property
    def arrays(self) -> dict[str, Array]:
        """Everything that is kept, by name: as in the file."""
        codes = {
            f"{kind}.{name}": array
            for kind, codes in self.codes.items()
            for name, array in codes.items()
        }
        return {**self.fitted.arrays, **codes}

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays: codes, centroids, rotations, means."""
        return sum(array.nbytes for array in self.arrays.values())

    @property
    def bytes_per_item(self) -> float:
        """Bytes of everything, for each row."""
        return self.nbytes / max(1, self.n)

    @property
    def code_bytes(self) -> float:
        """Bytes of the codes alone, for each row: what remains of it as a collection grows."""
        own = sum(array.nbytes for codes in self.codes.values() for array in codes.values())
        return own / max(1, self.n)

    def rows(self, kind: Kind, rows: Ints | slice = slice(None)) -> Floats:
        """Decoded rows of a kind: all, or those of the numbers."""
        return self.fitted.decode(taken(self.codes[kind], rows), kind)

    def space(self, space: Space) -> Space:
        """The space that was encoded with its rows as decoded, brought to length 1."""
        rows = np.concatenate([self.rows(kind) for kind in self.codes])
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        rows /= np.maximum(lengths, SHORT)[:, None]
        return replace(space, vectors=rows, steps=(*space.steps, str(self.way)))


def parse_way(text: str) -> Step:
    """A compressor with settings as the command line and links write them.

    Raises:
        UnknownName: no such compressor or setting.
        BadParameter: a setting that is not a number, or out of range.

    >>> str(parse_way("truncation:dims=64:order=pca"))
    'truncation:dims=64:order=pca'
    """
    return step_of(text.strip(), COMPRESSORS)


def fit_way(train: Space, way: Step) -> FittedCompressor:
    """Fit a compressor on training rows; nothing else is seen.

    Raises:
        InputError: no rows, or too few for its settings.
    """
    fitted: FittedCompressor = COMPRESSORS.get(way.name)(train, **way.settings)
    return fitted


def compressed(
    space: Space, fitted: FittedCompressor, way: Step, report: Progress | None = None
) -> Compressed:
    """The codes of all rows of a space.

    Args:
        space: the rows.
        fitted: by `fit_way`, on these rows or on others of the same encoder.
        way: what was fitted.
        report: called with the rows done and n; what it raises ends the work.
    """
    codes: dict[Kind, Codes] = {}
    for kind in KINDS:
        span = space.span(kind)
        if span.stop > span.start:

            def of_all(done: int, _: int, before: int = span.start) -> None:
                if report:
                    report(before + done, space.n)

            own = space.attributes.of(span) if space.attributes else None
            codes[kind] = fitted.encode(space.vectors[span], kind, of_all, own)
    return Compressed(way, fitted, codes)
