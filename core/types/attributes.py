"""What is known of items beside their vectors: values of named fields, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.types.arrays import Ints
from core.types.item import digest


@dataclass(frozen=True)
class Attributes:
    """The values that rows have in named fields.

    Args:
        names: distinct (field, value), both as text.
        at: (m, 2) a row and the number of a name that it has, sorted, each once.
    """

    names: tuple[tuple[str, str], ...]
    at: Ints

    @cached_property
    def key(self) -> str:
        """Identity of all values."""
        return digest(repr(self.names), self.at.tobytes())

    def of(self, span: slice) -> Attributes:
        """The same of a range of rows, counted from its start."""
        rows = self.at[:, 0]
        return Attributes(
            self.names, self.at[(rows >= span.start) & (rows < span.stop)] - [span.start, 0]
        )

    def taken(self, new_row: Ints) -> Attributes:
        """The same of renumbered rows.

        Args:
            new_row: (n,) number that each row gets; -1 leaves it out.

        >>> both = Attributes((("color", "red"),), np.array([[0, 0], [2, 0]]))
        >>> both.taken(np.array([-1, 0, 1])).at.tolist()
        [[1, 0]]
        """
        rows = new_row[self.at[:, 0]]
        at = np.column_stack([rows, self.at[:, 1]])[rows >= 0]
        return Attributes(self.names, at[np.lexsort(at.T[::-1])])
