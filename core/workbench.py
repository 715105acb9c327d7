"""The verbs: the one door for the pages and the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from core import asking, encoders
from core.diagnostics import DIAGNOSTICS
from core.errors import NoTextSearch, PassportMismatch, TooFew, UnknownName
from core.evaluate import Evaluation, evaluate
from core.expressions import parse
from core.jobs import Jobs
from core.pipeline import Report
from core.projections import PROJECTIONS
from core.search import Answer, search
from core.types import Bools, Filter, Finding, Floats, Item, Passport, Progress, Query, Space

if TYPE_CHECKING:
    from core.store import Field, Home

DEFAULT_ENCODER = "starter"
SPACES_KEPT = 3
MOSAIC = 8  # pictures on a collection's card


def no_progress(done: int, total: int) -> None:
    """For callers that do not watch."""


@dataclass(frozen=True)
class Card:
    """A collection at a glance."""

    name: str
    images: int
    texts: int
    pairs: int
    encoders: tuple[str, ...]
    mosaic: tuple[str, ...]
    last_intake: dict[str, Any] | None


@dataclass(frozen=True)
class Layout:
    """A flat picture of a space: (n, 2) coordinates of its rows."""

    method: str
    xy: Floats
    space: Space


class Workbench:
    """All collections of one home, and everything that can be done with them.

    One workbench serves all sessions of a server: spaces are read once and shared, and read again
    when any process has changed their collection.

    Args:
        home: a folder or a LanceDB URI; without one, $SEXTANT_HOME or ~/.sextant.
    """

    def __init__(self, home: str | Path | None = None) -> None:
        self.uri = str(home or os.environ.get("SEXTANT_HOME") or Path.home() / ".sextant")
        self._lock = RLock()
        self._spaces: dict[tuple[str, str, str], tuple[str, Space]] = {}
        folder = Path(self.uri) if "://" not in self.uri else Path.home() / ".sextant"
        self.folder = folder
        self.jobs = Jobs(folder / "jobs")

    @property
    def home(self) -> Home:
        """The store; opened when first asked for, because that loads LanceDB."""
        from core.store import Home

        with self._lock:
            if not hasattr(self, "_home"):
                self._home = Home(self.uri)
            return self._home

    # Collections

    def names(self) -> tuple[str, ...]:
        """Names of all collections, in alphabetical order."""
        return self.home.names()

    def card(self, name: str) -> Card:
        """One collection at a glance."""
        collection = self.home.open(name)
        counts = collection.counts()
        return Card(
            name,
            counts.images,
            counts.texts,
            counts.pairs,
            tuple(p.model for p in collection.passports()),
            collection.first_images(MOSAIC),
            collection.last_intake(),
        )

    def collections(self) -> tuple[Card, ...]:
        """Every collection at a glance."""
        return tuple(self.card(name) for name in self.names())

    def rename(self, name: str, to: str) -> None:
        """Give a collection another name."""
        self.home.rename(name, to)

    def delete(self, name: str) -> None:
        """Delete a collection with everything Sextant stored for it. Originals stay."""
        self.home.delete(name)

    def delete_items(self, name: str, ids: Sequence[str]) -> None:
        """Delete items, their pairs and their vectors."""
        self.home.open(name).delete_items(ids)

    # Filling

    def ingest(
        self,
        name: str,
        path: str | Path,
        *,
        encoder: str | None = None,
        root: Path | None = None,
        progress: Progress = no_progress,
    ) -> Report:
        """Read pictures, texts or ready-made vectors into a collection; see `core.ingest.read`.

        Args:
            name: the collection; made when it is not there.
            path: folder, zip, items.jsonl, CSV, TSV, Parquet or COCO captions.
            encoder: what makes the vectors, or made those in the file. Without one: the
                collection's first, else the starter.
            root: when given, paths outside it are refused.
            progress: called with (done, total); may raise to stop.
        """
        from core import ingest, pipeline

        started = monotonic()
        if ingest.is_vectors(path):
            intake = ingest.read_vectors(path, root)
            made_by = Passport(
                encoder or "unknown", "", "", intake.vectors.shape[1], True, "brought"
            )
            collection = self.home.ensure(name)
            report = pipeline.bring(collection, intake, made_by, progress)
        else:
            source = ingest.read(path, root)
            loaded = encoders.load(encoder or self._first_encoder(name))
            collection = self.home.ensure(name)
            report = pipeline.ingest(collection, source, loaded, progress)
        report.seconds = monotonic() - started
        collection.note_intake(report.to_dict())
        return report

    def add_encoder(self, name: str, encoder: str, progress: Progress = no_progress) -> Report:
        """Encode what is in a collection with a further encoder; the first stays untouched."""
        from core import pipeline

        return pipeline.add_encoder(self.home.open(name), encoders.load(encoder), progress)

    def build_demo(self, progress: Progress = no_progress, *, name: str = "demo") -> Report:
        """Draw the demo's pictures and ingest them; run again, it goes on where it stopped."""
        from concurrent.futures import ThreadPoolExecutor

        from core import demo

        self.home.ensure(name)  # from here on the app says that it is being filled
        reports = []
        with ThreadPoolExecutor(1) as pool:
            pool.submit(encoders.warm, DEFAULT_ENCODER)  # while the first pictures are drawn
            for part in demo.PARTS:
                folder = demo.draw(self.folder / "drawings", part, on_progress=progress)
                reports.append(
                    self.ingest(name, folder, encoder=DEFAULT_ENCODER, progress=progress)
                )
        return reports[-1]

    def _first_encoder(self, name: str) -> str:
        if name in self.names():
            for passport in self.home.open(name).passports():
                if passport.weights:
                    return passport.model
        return DEFAULT_ENCODER

    # Reading

    def space(self, name: str, encoder: str | None = None) -> Space:
        """The collection's vectors, resident and shared.

        Raises:
            UnknownName: no such collection, or not encoded with that encoder.
        """
        collection = self.home.open(name)
        passport = collection.passport(encoder)
        version = collection.version()
        at = (name, collection.created, passport.key)
        with self._lock:
            kept = self._spaces.pop(at, None)
            if kept is None or kept[0] != version:
                kept = (version, collection.space(passport))
            self._spaces[at] = kept
            while len(self._spaces) > SPACES_KEPT:
                self._spaces.pop(next(iter(self._spaces)))
            return kept[1]

    def passport(self, name: str, encoder: str | None = None) -> Passport:
        """How the collection's vectors came to be."""
        return self.home.open(name).passport(encoder)

    def items(self, name: str, ids: Sequence[str]) -> list[Item]:
        """Items by id, in the order asked for; pictures without their bytes."""
        return self.home.open(name).items(ids)

    def thumbnails(self, name: str, ids: Sequence[str]) -> dict[str, bytes]:
        """WebP thumbnails by id, where there are any."""
        return self.home.open(name).thumbnails(ids)

    def picture(self, name: str, id_: str) -> bytes:
        """A picture's original bytes."""
        return self.home.open(name).payload(id_)

    def partners(self, name: str, id_: str) -> list[Item]:
        """What an item is paired with: a picture's captions, a caption's pictures."""
        collection = self.home.open(name)
        return collection.items(collection.pairs_of(id_))

    def fields(self, name: str) -> tuple[Field, ...]:
        """Labels and attributes that can be filtered by, with their values or range."""
        return self.home.open(name).fields()

    # Searching and measuring

    def search(self, name: str, query: Query, encoder: str | None = None) -> Answer:
        """Answer a query.

        Raises:
            NoTextSearch: the collection's vectors have no encoder at hand.
            UnknownName: no such collection, item or filter field.
        """
        space = self.space(name, encoder)
        row = None
        if query.item:
            if query.item not in space.row:
                raise UnknownName("item", query.item, space.ids[:1000])
            row = space.row[query.item]
            vector = space.vectors[row]
        else:
            vector = asking.vector(self.passport(name, encoder), query)
        mask: Bools | None = None
        if query.filters:
            mask = self.home.open(name).mask(query.filters, space.ids)
        return search(
            space, vector, k=query.k, start=query.start, kinds=query.kinds, mask=mask, exclude=row
        )

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

    def diagnose(
        self,
        name: str,
        only: Sequence[str] = (),
        encoder: str | None = None,
        *,
        filters: Sequence[Filter] = (),
        on_part: Callable[[str], None] = lambda part: None,
    ) -> tuple[Finding, ...]:
        """Run diagnostics; those that lack items are left out unless they were asked for.

        Args:
            name: the collection.
            only: names of diagnostics; all of them without.
            encoder: which vectors; the collection's first without.
            filters: measure only what passes; see `subset`.
            on_part: called with each diagnostic's name before it runs.
        """
        space = self.subset(name, filters, encoder)
        findings: list[Finding] = []
        for plugin in [DIAGNOSTICS.get(n) for n in only] or DIAGNOSTICS.all().values():
            on_part(plugin.name)
            try:
                findings += plugin(space)
            except TooFew:
                if only:
                    raise
        return tuple(findings)

    def evaluate(self, name: str, encoder: str | None = None) -> Evaluation:
        """Recall, median rank and mAP both ways from the collection's pairs.

        Where items carry `split`, only the pairs whose both ends are `test` are judged.
        """
        space, judged = self.space(name, encoder), None
        if any(field.name == "split" for field in self.fields(name)):
            held_out = (Filter("split", "in", ("test",)),)
            judged = self.home.open(name).mask(held_out, space.ids)
        return evaluate(space, judged=judged)

    def layout(self, name: str, method: str, encoder: str | None = None, **settings: Any) -> Layout:
        """Flat coordinates of a space, kept on disk until the space changes."""
        space = self.space(name, encoder)
        plugin = PROJECTIONS.get(method)
        collection = self.home.open(name)
        label = _label(method, settings)
        xy = collection.read_layout(label, space.key)
        if xy is None:
            xy = np.ascontiguousarray(plugin(space, **settings), np.float32)
            collection.write_layout(label, space.key, xy)
        return Layout(method, xy, space)

    def has_layout(
        self, name: str, method: str, encoder: str | None = None, **settings: Any
    ) -> bool:
        """Whether `layout` would answer at once."""
        space = self.space(name, encoder)
        label = _label(method, settings)
        return self.home.open(name).read_layout(label, space.key) is not None


def _label(method: str, settings: Mapping[str, Any]) -> str:
    """What a layout is kept under.

    >>> _label("umap", {"gap": "keep"})
    'umap/gap=keep'
    """
    return "/".join([method, *(f"{k}={v}" for k, v in sorted(settings.items()))])
