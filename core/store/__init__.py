"""Collections on disk or in an object store; the only package that imports LanceDB."""

from core.store.check import Problem
from core.store.collection import Collection
from core.store.encoded import EncodedCollection
from core.store.exchange import lance_count, lance_schema, read_lance, write_lance
from core.store.filters import Field
from core.store.home import Home, check_name
from core.store.items import Counts
from core.store.table import read_session
from core.store.tags import Tag

__all__ = [
    "Collection",
    "Counts",
    "EncodedCollection",
    "Field",
    "Home",
    "Problem",
    "Tag",
    "check_name",
    "lance_count",
    "lance_schema",
    "read_lance",
    "read_session",
    "write_lance",
]
