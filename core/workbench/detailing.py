"""Parts of items: storing their vectors."""

from __future__ import annotations

from core import asking, pipeline
from core.types import Progress
from core.workbench.filling import no_progress
from core.workbench.searching import Searching


class Detailing(Searching):
    """The verbs that look at the places of pictures and the words of texts."""

    def add_tokens(
        self, name: str, encoder: str | None = None, *, progress: Progress = no_progress
    ) -> pipeline.Report:
        """Store a few vectors for the parts of each item, for rerankers that compare them.

        What was stored stays; a run that was stopped goes on where it was.

        Args:
            name: the collection.
            encoder: whose vectors they go with; the collection's first without.
            progress: called with (items done, items in all); may raise to stop.

        Raises:
            NoTokens: the encoder makes none.
            NoTextSearch: the encoder is not at hand.
        """
        collection = self.home.open(name)
        loaded = asking.encoder_for(collection.passport(encoder))
        return pipeline.add_tokens(collection, loaded, progress)

    def tokens_stored(self, name: str, encoder: str | None = None) -> tuple[int, float]:
        """How many items have token vectors, and their mean size in bytes."""
        collection = self.home.open(name)
        passport = collection.passport(encoder)
        tokens = collection.tokens
        return len(tokens.ids(passport)), tokens.bytes_per_item(passport)
