"""The items at one version of their table, column by column, each loaded at its first use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc

from core.store.schema import ATTRIBUTE_TYPES, EXACT, ITEMS, attributes_in, one_array
from core.store.table import Table


class Snapshot:
    """Columns of the items table at one version, aligned with `ids`; read-only and shared.

    Args:
        table: the items table pinned at a version, or None while there are no items.
    """

    def __init__(self, table: Table | None) -> None:
        self._table = table
        self.version = table.version() if table else 0
        self._lock = Lock()
        self._ids: pa.Array | None = None
        self._columns: dict[str, pa.Array] = {}

    @property
    def ids(self) -> pa.Array:
        """Every id once, in the order of the table."""
        if self._ids is None:
            self._read(())
        return self._ids

    def column(self, name: str) -> pa.Array:
        """One column, aligned with `ids`."""
        self.load((name,))
        return self._columns[name]

    def load(self, names: Sequence[str]) -> None:
        """Read columns at once that are used next: each read by itself reads the ids again."""
        missing = [name for name in names if name not in self._columns]
        if missing:
            self._columns |= self._read(missing)

    @cached_property
    def attributes(self) -> dict[str, dict[str, str]]:
        """Every attribute with its columns by type."""
        return attributes_in(self._table.schema().names if self._table else ())

    def attribute(self, name: str) -> pa.Array:
        """An attribute's values as one type: int with float becomes float, other mixtures text.

        So do integers, such as ids of 19 digits, that a float cannot hold.
        """
        columns = self.attributes[name]
        values = {kind: self.column(c) for kind, c in columns.items()}
        # A type whose items were all deleted does not count.
        values = {k: v for k, v in values.items() if v.null_count < len(v)} or values
        if len(values) == 1:
            return next(iter(values.values()))
        numbers = set(values) == {"int", "float"} and _exact_as_floats(values["int"])
        target = pa.float64() if numbers else pa.string()
        return pc.coalesce(*(pc.cast(v, target, safe=False) for v in values.values()))

    @cached_property
    def kind_counts(self) -> dict[str, int]:
        """Number of items of each kind."""
        counts = pc.value_counts(self.column("kind")).to_pylist()
        return {c["values"]: c["counts"] for c in counts}

    def _read(self, names: Sequence[str]) -> dict[str, pa.Array]:
        if self._table is None:
            self._ids = pa.array([], pa.string())
            fields = {f.name: f.type for f in ITEMS}
            return {
                name: pa.array([], fields.get(name) or ATTRIBUTE_TYPES[name.split("_")[1]])
                for name in names
            }
        rows = self._table.read(["id", *names])
        values = {name: one_array(rows[name]) for name in names}
        ids = one_array(rows["id"])
        with self._lock:
            known = self._ids = ids if self._ids is None else self._ids
        if ids.equals(known):
            return values
        order = pc.index_in(known, value_set=ids)
        return {name: column.take(order) for name, column in values.items()}


def _exact_as_floats(numbers: pa.Array) -> bool:
    """Whether floats hold every one of these integers."""
    low, high = pc.min_max(numbers).as_py().values()
    return low is None or -EXACT <= low <= high <= EXACT
