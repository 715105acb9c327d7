"""How answers are ranked: first stage, hub correction, reranker, and what they changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import compress

import numpy as np

from core.errors import NoTextSearch, PassportMismatch
from core.improve import corrected
from core.search import (
    RERANKERS,
    Calibration,
    Cutoff,
    SearchResult,
    Shortlist,
    TokenCandidates,
    background_queries,
    by_pairs,
    calibrate,
    compare_rankings,
    encoder_for,
    kind_of,
    parse_filters,
    parse_query,
    pays,
    query_rows,
    query_tokens,
    query_vectors,
    query_warnings,
    resolve_id,
    search,
    stored_tokens,
    token_candidates,
    token_warnings,
)
from core.types import (
    Bools,
    Filter,
    First,
    Floats,
    Ints,
    Kind,
    Part,
    Passport,
    Query,
    Space,
    SpaceCache,
)
from core.workbench.collections import Collections

_HELD_OUT, _LEARNT = SpaceCache(16), SpaceCache(16)


class Ranking(Collections):
    """What stands between a query's vector and its answer."""

    def held_out(self, name: str, space: Space) -> Bools | None:
        """(n,) rows whose attribute `split` is `test`; None where items carry no such attribute.

        Nothing is learnt from them, and they alone are judged.
        """
        collection = self.home.open(name)

        def find() -> Bools | None:
            if all(field.name != "split" for field in collection.fields()):
                return None
            return collection.mask((Filter("split", "in", ("test",)),), space.ids)

        return _HELD_OUT.get((collection.version(), space.key), find)

    def corrected(
        self, name: str, space: Space, correction: str, asker: Kind | None = None
    ) -> Space:
        """A collection's space with a hub correction learnt from what is not held out."""
        barred = self.held_out(name, space)
        return corrected(space, correction, asker=asker, barred=barred)

    def calibration(self, name: str, space: Space) -> Calibration | None:
        """What the collection's pairs tell of true matches; None where there are too few."""
        barred = self.held_out(name, space)
        told = None if barred is None else np.packbits(barred).tobytes()
        return _LEARNT.get((space.key, told), lambda: calibrate(space, barred))

    def cut(self, name: str, space: Space, query: Query, vector: Floats) -> Cutoff | None:
        """Where matches end, learnt from pairs; None where chance alone has to tell.

        What is learnt holds for queries like captions: one text that looks for pictures.
        """
        like_a_caption = len(query.parts) == 1 and query.text and query.kinds == ("image",)
        if not like_a_caption or query.expected or query.template:
            return None
        learnt = self.calibration(name, space)
        if learnt is None or not (query.miss or learnt.usual):
            return None
        return by_pairs(learnt, vector, query.miss)

    def ranked(
        self, name: str, space: Space, query: Query, find: Callable[..., SearchResult]
    ) -> SearchResult:
        """The answer as the query wants it ranked.

        What a first stage by tokens, a hub correction or a reranker changed is told against what
        cosine alone would show: a second search. Words alone are not told of: they are looked for
        with every key press.

        Args:
            name: the collection.
            space: its space.
            query: names the first stage, the hub correction and the reranker; "" is none.
            find: searches a space for this query; takes `nearly`, `first`, `words`
                and `rerank`.

        Raises:
            UnknownName: no such hub correction or reranker.
            InputError: what needs token vectors finds none.
        """
        find = partial(find, nearly=query.first == "ivf")
        by_tokens = query.first == "muvera"
        if not (by_tokens or query.hub_correction or query.rerank):
            return find(space)
        first = self._first(name, space, query) if by_tokens else None
        rerank = self._reranker(name, space, query) if query.rerank else None
        ranked = space
        if query.hub_correction:
            ranked = self.corrected(name, space, query.hub_correction, _asker(space, query))
        return compare_rankings(find(ranked, first=first, rerank=rerank), find(space, words=None))

    def first_stages(self, name: str, encoder: str | None = None) -> tuple[First, ...]:
        """What can find candidates here: cells where there are many items, tokens if stored."""
        collection = self.home.open(name)
        can: dict[First, bool] = {
            "": True,
            "ivf": pays(self.space(name, encoder)),
            "muvera": collection.tokens.stored(collection.passport(encoder)).items > 0,
        }
        return tuple(stage for stage, possible in can.items() if possible)

    def _first(self, name: str, space: Space, query: Query) -> TokenCandidates:
        """What finds the candidates by stored token vectors."""
        passport = self.passport(name, space.encoder)
        return token_candidates(self.home.open(name), space, passport, query)

    def _reranker(self, name: str, space: Space, query: Query) -> Callable[[Shortlist], Floats]:
        """The reranker of a query; it is given tokens where it compares them."""
        part = RERANKERS.get(query.rerank)
        if not part.traits.get("tokens"):
            return part
        collection, passport = self.home.open(name), self.passport(name, space.encoder)
        stored = stored_tokens(collection, space, passport)
        asked = query_tokens(collection, space, passport, query) if stored else ()
        return lambda hits: part(replace(hits, query_tokens=asked, tokens=stored))


def _asker(space: Space, query: Query) -> Kind | None:
    """What kind the query is of; None when it has parts of both."""
    kinds = {kind_of(space, part) for part in query.parts}
    return kinds.pop() if len(kinds) == 1 else None


class Searching(Ranking):
    """The verbs that answer a question."""

    def search(self, name: str, query: Query, encoder: str | None = None) -> SearchResult:
        """Answer a query.

        Raises:
            NoTextSearch: the collection's vectors have no encoder at hand.
            UnknownName: no such collection, filter field, hub correction or reranker.
            UnknownItem: no such item.
        """
        return self.search_all(name, [query], encoder)[0]

    def search_all(
        self, name: str, queries: Sequence[Query], encoder: str | None = None
    ) -> tuple[SearchResult, ...]:
        """Answer several queries, their texts encoded together."""
        space, passport = self.space(name, encoder), self.passport(name, encoder)
        asked = [query_rows(space, query) for query in queries]
        vectors = query_vectors(space, passport, queries)
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
    ) -> SearchResult:
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
            others=background_queries(space, query),
            cut=self.cut(name, space, query, vector),
            alone=query.miss > 0,
            expected=query.expected,
        )
        told = (*query_warnings(space, passport, query), *token_warnings(query))
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
        return parse_query(text, find=partial(resolve_id, space), read=read)

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
            encoder_for(passport)
        except (NoTextSearch, PassportMismatch) as error:
            return str(error)
        return ""

    def filters(self, name: str, text: str) -> tuple[Filter, ...]:
        """Conditions written as text, typed as the collection's fields are; see `expressions`."""
        if not text.strip():
            return ()
        return parse_filters(text, {field.name: field.type for field in self.fields(name)})

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
