"""The collections of one home, and every verb under one name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from core import encoders
from core import measure as _core_measure
from core.errors import StoreError
from core.types import Item, Passport, Space, Value
from core.workbench import clusters as _clusters
from core.workbench import compress as _compress
from core.workbench import depth as _depth
from core.workbench import evaluate as _evaluate
from core.workbench import explain as _explain
from core.workbench import export as _export
from core.workbench import findings as _findings
from core.workbench import health as _health
from core.workbench import ingest as _ingest
from core.workbench import kept_codes as _kept_codes
from core.workbench import layouts as _layouts
from core.workbench import measure as _measure
from core.workbench import probe as _probe
from core.workbench import protocol as _protocol
from core.workbench import ranking_gains as _gains
from core.workbench import recipes as _recipes
from core.workbench import repair as _repair
from core.workbench import search as _search
from core.workbench import selections as _selections
from core.workbench import ways as _ways
from core.workbench import zero_shot as _zero_shot
from core.workbench.jobs import Jobs
from core.workbench.last_used import LastUsed

if TYPE_CHECKING:
    from core.store import Collection, EncodedCollection, Field, Home, Tag

SPACES_IN_MEMORY = 3
MOSAIC = 8  # images on a collection's card


@dataclass(frozen=True)
class Card:
    """A collection at a glance.

    `used` is when it was last used, in seconds since 1970, or 0; `problem` why nothing else is
    known, "" where it can be read.
    """

    name: str
    images: int
    texts: int
    pairs: int
    encoders: tuple[str, ...]
    mosaic: tuple[str, ...]
    last_intake: dict[str, Any] | None
    used: float = 0.0
    problem: str = ""


class Workbench:
    """All collections of one home, and everything that can be done with them.

    `open` gives a collection with the vectors of one encoder; the verbs take it. One workbench
    serves all sessions of a server: spaces are read once and shared, and read again when any
    process has changed their collection.

    Args:
        home: a folder or a LanceDB URI; without one, $SEXTANT_HOME or ~/.sextant.
    """

    def __init__(self, home: str | Path | None = None) -> None:
        self.uri = str(home or os.environ.get("SEXTANT_HOME") or Path.home() / ".sextant")
        self._lock = RLock()
        self._spaces: dict[tuple[str, str], tuple[str, Space]] = {}
        self._loading: dict[tuple[str, str], Lock] = {}
        self.folder = Path(self.uri) if "://" not in self.uri else Path.home() / ".sextant"
        self.jobs = Jobs(self.folder / "jobs")
        self.last_used = LastUsed(self.folder / "last_used.json")

    # Each verb lies in a module of plain functions that can be read alone.

    ingest = _ingest.ingest
    preview = _ingest.preview
    add_encoder = _ingest.add_encoder
    encode_again = _ingest.encode_again
    outdated = _ingest.outdated
    build_demo = _ingest.build_demo
    encoder_suggestions = staticmethod(_ingest.encoder_suggestions)
    encoder_steps = staticmethod(encoders.preparing)
    finish_encoders = staticmethod(encoders.finish)
    add_tokens = staticmethod(_ingest.add_tokens)
    tokens_stored = staticmethod(_ingest.tokens_stored)

    export = _export.export
    export_forms = staticmethod(_export.export_forms)
    exported_file = _export.exported_file
    save_export = _export.save_export
    saved_exports = _export.saved_exports
    delete_export = staticmethod(_export.delete_export)
    export_place = staticmethod(_export.export_place)

    search = staticmethod(_search.search)
    search_all = staticmethod(_search.search_all)
    results_key = staticmethod(_search.results_key)
    encode_query = staticmethod(_search.encode_query)
    parse_query = staticmethod(_search.parse_query)
    parse_filters = staticmethod(_search.parse_filters)
    subset = staticmethod(_search.subset)
    cosines = staticmethod(_search.cosines)
    first_stages = staticmethod(_search.first_stages)
    example_queries = staticmethod(_search.example_queries)
    text_search_off = staticmethod(_search.text_search_off)

    check = _health.check
    doctor = _health.doctor

    explain = staticmethod(_explain.explain)
    overlay = staticmethod(_explain.overlay)
    readable_image = staticmethod(_explain.readable_image)

    measure = staticmethod(_measure.measure)
    diagnose = staticmethod(_findings.diagnose)
    measure_all = staticmethod(_findings.measure_all)
    measure_space = staticmethod(_findings.measure_space)
    stored_findings = staticmethod(_findings.stored_findings)
    findings = staticmethod(_findings.findings)
    glance = _findings.glance
    evaluate = staticmethod(_measure.evaluate)
    without_tags = staticmethod(_measure.without_tags)
    suspects = staticmethod(_core_measure.suspects)
    analogies = staticmethod(_measure.analogies)
    evidence = staticmethod(_measure.evidence)
    misses = staticmethod(_evaluate.misses)
    group_fields = staticmethod(_evaluate.group_fields)
    recall_by_group = staticmethod(_evaluate.recall_by_group)
    score_by_label = staticmethod(_evaluate.score_by_label)
    compare_encoders = staticmethod(_evaluate.compare_encoders)
    query_ranks = staticmethod(_evaluate.query_ranks)
    layout = staticmethod(_layouts.layout)
    has_layout = staticmethod(_layouts.has_layout)
    map_quality = staticmethod(_layouts.map_quality)
    known_map_quality = staticmethod(_layouts.known_map_quality)
    seed_stability = staticmethod(_layouts.seed_stability)

    selected_rows = staticmethod(_selections.selected_rows)
    special = staticmethod(_selections.special)
    separation = staticmethod(_selections.separation)
    clusters = staticmethod(_clusters.clusters)
    has_clusters = staticmethod(_clusters.has_clusters)
    has_words = staticmethod(_clusters.has_words)
    saved_selections = staticmethod(_selections.saved_selections)
    save_selection = staticmethod(_selections.save_selection)
    query_vectors = staticmethod(_selections.query_vectors)
    query_place = staticmethod(_selections.query_place)
    query_path = staticmethod(_selections.query_path)

    measure_rankings = staticmethod(_gains.measure_rankings)
    ranking_gain = staticmethod(_gains.ranking_gain)
    ranking_gains = staticmethod(_gains.ranking_gains)
    ranking_lack = staticmethod(_gains.ranking_lack)

    repair = staticmethod(_repair.repair)
    known_repair = staticmethod(_repair.known_repair)
    suggest = staticmethod(_repair.suggest)
    known_suggestion = staticmethod(_repair.known_suggestion)
    repair_names = staticmethod(_repair.repair_names)
    recipes = staticmethod(_recipes.recipes)
    keep_recipe = staticmethod(_recipes.keep_recipe)
    delete_recipe = staticmethod(_recipes.delete_recipe)
    recipe_bytes = staticmethod(_recipes.recipe_bytes)
    recipe_onnx = staticmethod(_recipes.recipe_onnx)
    recipe_file = staticmethod(_recipes.recipe_file)
    import_recipe = staticmethod(_recipes.import_recipe)
    repaired = staticmethod(_recipes.repaired)

    compress = staticmethod(_compress.compress)
    way_names = staticmethod(_compress.way_names)
    known_ways = staticmethod(_compress.known_ways)
    compressor_names = staticmethod(_compress.compressor_names)
    changed_queries = staticmethod(_ways.changed_queries)
    budget_rows = staticmethod(_protocol.budget_rows)
    known_budget_rows = staticmethod(_protocol.known_budget_rows)
    depth_grid = staticmethod(_depth.depth_grid)
    known_depth_grid = staticmethod(_depth.known_depth_grid)
    compressed_geometry = staticmethod(_ways.geometry_of)
    way_bytes = staticmethod(_ways.way_bytes)
    keep_way = staticmethod(_kept_codes.keep_way)
    kept_way = staticmethod(_kept_codes.kept_way)
    delete_kept_way = staticmethod(_kept_codes.delete_kept_way)

    encoder_report = staticmethod(_probe.encoder_report)
    saved_encoder_report = staticmethod(_probe.saved_encoder_report)
    encoder_report_off = staticmethod(_probe.encoder_report_off)
    encoder_work = staticmethod(_probe.encoder_work)
    augmented = staticmethod(_probe.augmented)

    rank_labels = staticmethod(_zero_shot.rank_labels)
    score_labels = staticmethod(_zero_shot.score_labels)

    @property
    def home(self) -> Home:
        """The store; opened when first used, because that loads LanceDB."""
        from core.store import Home

        with self._lock:
            if not hasattr(self, "_home"):
                home = Home(self.uri)
                home.format()  # that of a later version is an error
                with suppress(StoreError):  # such as a read-only home
                    home.migrate()
                    home.sweep()
                self._home = home
            return self._home

    def read_session(self) -> AbstractContextManager[None]:
        """Inside it the version of each table is read once; see `core.store.read_session`."""
        from core.store import read_session

        return read_session()

    def open(self, name: str, encoder: str | None = None, recipe: str = "") -> EncodedCollection:
        """A collection with the vectors of one encoder, in memory and shared.

        Args:
            name: the collection.
            encoder: which vectors; those of the collection's first encoder without.
            recipe: a stored recipe that repairs them; see `repaired`.

        Raises:
            UnknownName: no such collection or recipe, or not encoded with that encoder.
            PassportMismatch: the recipe was fitted on vectors of another encoder.
        """
        from core.store import EncodedCollection

        collection = self.home.open(name)
        passport, version = collection.passport(encoder), collection.version()
        space = self._space(collection, passport, version)
        opened = EncodedCollection(collection, passport, space, version)
        return self.repaired(opened, recipe) if recipe else opened

    def _space(self, collection: Collection, passport: Passport, version: str) -> Space:
        at = (collection.name, passport.key)
        with self._lock:
            loading = self._loading.setdefault(at, Lock())
        with loading:  # whoever opens another collection does not wait
            entry = self._spaces.get(at)
            if entry is None or entry[0] != version:
                entry = (version, collection.space(passport))
            with self._lock:
                self._spaces.pop(at, None)
                self._spaces[at] = entry
                while len(self._spaces) > SPACES_IN_MEMORY:
                    self._spaces.pop(next(iter(self._spaces)))
            return entry[1]

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
            self.encoders(name),
            collection.first_images(MOSAIC),
            collection.artifacts.last_ingest_report(),
            self.last_used.times().get(name, 0.0),
        )

    def check_name(self, name: str) -> None:
        """Reject what cannot be the name of a collection.

        Raises:
            BadParameter: it is too long, or has other characters than are allowed.
        """
        from core.store import check_name

        check_name(name)

    def cards(self) -> tuple[Card, ...]:
        """Every collection at a glance, also one that cannot be read."""
        cards, used = list[Card](), self.last_used.times()
        for name in self.names():
            try:
                cards.append(self.card(name))
            except StoreError as error:
                card = Card(name, 0, 0, 0, (), (), None, used.get(name, 0.0), str(error))
                cards.append(card)
        return tuple(cards)

    def rename(self, name: str, to: str) -> None:
        """Give a collection another name."""
        self.home.rename(name, to)
        _export.rename_exports(self, name, to)
        self.last_used.note(to)

    def delete(self, name: str) -> None:
        """Delete a collection with everything Sextant stored for it; originals stay."""
        self.home.open(name)  # or it raises, before anything is gone
        _export.delete_exports(self, name)  # a new collection of that name has none
        self.home.delete(name)
        self.last_used.forget(name)

    def delete_items(self, name: str, ids: Sequence[str]) -> None:
        """Delete items, their pairs and their vectors; an ingest does not bring them back."""
        self.home.open(name).edits.delete(ids)

    def set_labels(self, name: str, ids: Sequence[str], labels: Sequence[str]) -> None:
        """Give items these labels in place of theirs; they outlive an ingest of the source."""
        self.home.open(name).edits.set_labels(ids, labels)

    def last_edit(self, name: str) -> str:
        """What `undo` would undo, such as "3 items deleted"; "" for nothing."""
        return self.home.open(name).edits.last()

    def undo(self, name: str) -> str:
        """Undo the last edit of labels or tags, or the last deletion; returns what it was.

        Raises:
            InputError: there is none: only the last one can be undone.
        """
        return self.home.open(name).edits.undo()

    def allow_deleted(self, name: str) -> int:
        """Let an ingest add deleted items again; returns how many were deleted."""
        return self.home.open(name).edits.allow_deleted()

    def version(self, name: str) -> str:
        """Changes when any process has written items, pairs, thumbnails or vectors.

        No two collections share one, not even in turn under one name.
        """
        return self.home.open(name).version()

    def encoders(self, name: str) -> tuple[str, ...]:
        """The encoders of a collection, in the order they were added."""
        return tuple(p.model for p in self.home.open(name).passports())

    def passport(self, name: str, encoder: str | None = None) -> Passport:
        """How the collection's vectors were computed."""
        return self.home.open(name).passport(encoder)

    def items(self, name: str, ids: Sequence[str]) -> list[Item]:
        """Items by id, in the given order; images without their bytes."""
        return self.home.open(name).items(ids)

    def thumbnails(self, name: str, ids: Sequence[str]) -> dict[str, bytes]:
        """WebP thumbnails by id, where there are any."""
        return self.home.open(name).thumbnails(ids)

    def image_bytes(self, name: str, id_: str) -> bytes:
        """The original bytes of an image."""
        return self.home.open(name).payload(id_)

    def partners(self, name: str, id_: str) -> list[Item]:
        """The items that an item is paired with: an image's captions, a caption's images."""
        collection = self.home.open(name)
        return collection.items(collection.pairs_of(id_))

    def fields(self, name: str) -> tuple[Field, ...]:
        """Labels and attributes that can be filtered by, with their values or range."""
        return self.home.open(name).fields()

    def table(self, opened: EncodedCollection) -> Any:
        """All items as an Arrow table, row i beside row i of `opened.space.vectors`.

        Columns: id, kind, name, text, labels, and one for each attribute.
        """
        return opened.collection.table(opened.space.ids)

    def values(self, opened: EncodedCollection, field: str) -> list[Value | None]:
        """An attribute, or the first tag, of every row of `opened.space`; None where there is none.

        Raises:
            UnknownName: there is no such attribute.
        """
        return opened.collection.values(field, opened.space.ids)

    def tags(self, name: str) -> tuple[Tag, ...]:
        """What a person has said about items and pairs of a collection, oldest first."""
        return self.home.open(name).tags.all()

    def tag_names(self, name: str) -> tuple[str, ...]:
        """The tags of a collection in alphabetical order."""
        return self.home.open(name).tags.names()

    def tags_of(self, name: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """The tags of those items that have some, without those of their pairs."""
        return self.home.open(name).tags.of_items(ids)

    def tag(self, name: str, tag: str, targets: Iterable[Sequence[str]]) -> None:
        """Tag items and pairs; tagging again changes nothing.

        Args:
            name: the collection.
            tag: what is said, such as "wrong caption".
            targets: ids of items, or (image id, text id) of pairs.

        Raises:
            BadParameter: the tag is empty, has line breaks or is too long.
        """
        self.home.open(name).edits.tag(tag, targets)

    def untag(self, name: str, tag: str, targets: Iterable[Sequence[str]]) -> None:
        """Remove a tag from items and pairs; see `tag`."""
        self.home.open(name).edits.untag(tag, targets)

    def tags_version(self, name: str) -> int:
        """Changes when any process has added or removed a tag."""
        return self.home.open(name).tags.version()

    def saved_queries(self, name: str) -> tuple[dict[str, str], ...]:
        """Queries saved with a collection, newest first: names and values of a link."""
        return self.home.open(name).artifacts.queries()

    def save_query(self, name: str, query: Mapping[str, str]) -> None:
        """Save a query with its collection."""
        self.home.open(name).artifacts.save_query(query)

    def forget_query(self, name: str, query: Mapping[str, str]) -> None:
        """Delete a saved query."""
        self.home.open(name).artifacts.forget_query(query)
