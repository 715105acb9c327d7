"""Collections on disk or in an object store; the only package that imports LanceDB.

    {home}/collections.lance    key, name, created: renaming a collection is one row
    {home}/{key}/               one LanceDB per collection
        items.lance             every item, its attributes in typed columns
        pairs.lance             image, text
        thumbnails.lance        id, webp
        passports.lance         the encoders, in the order in which they were added
        vectors_{passport}.lance  id, vector
        tokens_{passport}.lance   id, its token vectors, and how they were pooled
        words.lance               the full-text index
        layouts.lance, reports.lance, queries.lance, intakes.lance  artifacts: projections,
            measurements, saved queries and the reports of past ingests
        originals/              copies of images that have no file of their own

Every write is a merge by key into one table, and nothing assumes that two tables were written
together: a killed process leaves a readable collection, and repeating its run completes it. Tables
declare their key to Lance, which then rejects a second writer that inserts the same key; the
rejected merge is retried.
"""

from core.store.collection import Collection
from core.store.encoded import EncodedCollection
from core.store.filters import Field
from core.store.home import Home
from core.store.items import Counts
from core.store.lance import read_session

__all__ = ["Collection", "Counts", "EncodedCollection", "Field", "Home", "read_session"]
