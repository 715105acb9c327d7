"""Asking: queries, and the conditions that choose a part of a collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import compress

import numpy as np

from core import asking, detail, formulas, mixing
from core.errors import NoTextSearch, PassportMismatch
from core.expressions import parse
from core.search import Answer, search
from core.types import Bools, Filter, Floats, Ints, Part, Passport, Query, Space
from core.workbench.ranking import Ranking


class Searching(Ranking):
    """The verbs that answer a question."""

    def search(self, name: str, query: Query, encoder: str | None = None) -> Answer:
        """Answer a query.

        Raises:
            NoTextSearch: the collection's vectors have no encoder at hand.
            UnknownName: no such collection, filter field, hub correction or reranker.
            UnknownItem: no such item.
        """
        return self.search_all(name, [query], encoder)[0]

    def search_all(
        self, name: str, queries: Sequence[Query], encoder: str | None = None
    ) -> tuple[Answer, ...]:
        """Answer several queries, their texts encoded together."""
        space, passport = self.space(name, encoder), self.passport(name, encoder)
        asked = [asking.rows(space, query) for query in queries]
        vectors = asking.vectors(space, passport, queries)
        return tuple(
            self._answer(name, space, passport, query, vector, exclude)
            for query, vector, exclude in zip(queries, vectors, asked, strict=True)
        )

    def _answer(
        self,
        name: str,
        space: Space,
        passport: Passport,
        query: Query,
        vector: Floats,
        exclude: Ints,
    ) -> Answer:
        mask: Bools | None = None
        if query.filters:
            mask = self.home.open(name).mask(query.filters, space.ids)
        words = self._words(name, space, query, mask) if query.words else None
        find = partial(
            search,
            vector=vector,
            k=query.k,
            start=query.start,
            kinds=query.kinds,
            mask=mask,
            exclude=exclude,
            words=words,
            fusion=query.words or "rrf",
            others=mixing.others(space, query),
            cut=self.cut(name, space, query, vector),
            alone=query.miss > 0,
            expected=query.expected,
        )
        told = (*asking.notes(space, passport, query), *detail.notes(query))
        answer = self.ranked(name, space, query, find)
        looked = (answer.how,) if query.first == "ivf" else ()
        return replace(answer, notes=(*looked, *told))

    def _words(
        self, name: str, space: Space, query: Query, mask: Bools | None
    ) -> tuple[Ints, Floats]:
        """Rows that the query's words find, and their scores, best first.

        What may not be found is left out before the best are taken, lest it crowd out the rest.
        """
        may = np.zeros(space.n, bool)
        for kind in query.kinds:
            may[space.span(kind)] = True
        may = may if mask is None else may & mask
        among = None if may.all() else list(compress(space.ids, may.tolist()))
        found = self.home.open(name).find_words(query.text, among=among)
        hits = [(space.row[id_], score) for id_, score in found if id_ in space.row]
        return (
            np.array([row for row, _ in hits], np.int64),
            np.array([score for _, score in hits], np.float32),
        )

    def question(
        self,
        name: str,
        text: str,
        encoder: str | None = None,
        *,
        read: Callable[[str], bytes] | None = None,
    ) -> tuple[Part, ...]:
        """The parts of a question written as text; see `formulas`.

        Args:
            name: the collection whose items it may name, by id or the start of one.
            text: one text, or a formula such as `"a beach" + 0.5*img:ID - "people"`.
            encoder: which vectors; the collection's first without.
            read: gives the bytes of a file that is named; without it, files are refused.
        """
        space = self.space(name, encoder)
        return formulas.parse(text, find=partial(asking.whole_id, space), read=read)

    def saved_queries(self, name: str) -> tuple[dict[str, str], ...]:
        """Questions kept with a collection, newest first: names and values of a link."""
        return self.home.open(name).notes.queries()

    def save_query(self, name: str, query: Mapping[str, str]) -> None:
        """Keep a question with its collection."""
        self.home.open(name).notes.save_query(query)

    def forget_query(self, name: str, query: Mapping[str, str]) -> None:
        """Keep it no longer."""
        self.home.open(name).notes.forget_query(query)

    def text_search_off(self, name: str, encoder: str | None = None) -> str:
        """Why text and picture queries are off, in a sentence; "" when they are on."""
        passport = self.passport(name, encoder)
        if passport.weights:
            return ""
        try:
            asking.encoder_for(passport)
        except (NoTextSearch, PassportMismatch) as error:
            return str(error)
        return ""

    def filters(self, name: str, text: str) -> tuple[Filter, ...]:
        """Conditions written as text, typed as the collection's fields are; see `expressions`."""
        if not text.strip():
            return ()
        return parse(text, {field.name: field.type for field in self.fields(name)})

    def subset(self, name: str, filters: Sequence[Filter], encoder: str | None = None) -> Space:
        """The space of the items that pass; captions go with the pictures they belong to.

        Where a condition speaks of texts themselves (`kind`, `text`), only what passes stays.
        """
        space = self.space(name, encoder)
        if not filters:
            return space
        kept = self.home.open(name).mask(filters, space.ids)
        if not {f.field for f in filters} & {"kind", "text"}:
            image, text = space.pairs.T
            kept[text[kept[image]]] = True
        return space.subset(np.flatnonzero(kept))
