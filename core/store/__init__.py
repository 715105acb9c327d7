"""Collections on disk or in an object store. LanceDB is imported nowhere else, and only when used.

    {home}/collections.lance    key, name, created: renaming a collection is one row
    {home}/{key}/               one LanceDB per collection
        items.lance             what is known of every item, attributes in typed columns
        pairs.lance             image, text
        thumbnails.lance        id, webp
        passports.lance         which encoders there are, in the order they were added
        vectors_{passport}.lance  id, vector; no bytes of pictures
        tokens_{passport}.lance   id, the vectors of its parts, and how they were pooled
        words.lance               what is said of every item, for full-text search
        layouts.lance, intakes.lance  projections and reports of past ingests
        originals/              copies of pictures that have no file of their own

Every write is a merge by key into one table, and nothing assumes that two tables were written
together: a run that was killed leaves a collection that reads, and running it again completes it.
Tables declare their key to Lance, which then refuses that two writers insert the same key; what
they find refused they merge again.
"""

from core.store.collection import Collection
from core.store.filters import Field
from core.store.home import Home
from core.store.items import Counts
from core.store.lance import read_session

__all__ = ["Collection", "Counts", "Field", "Home", "read_session"]
