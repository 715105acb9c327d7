"""Adding to a collection: images, texts, vectors, a further encoder, token vectors, the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any

from core import encoders
from core import export as exports
from core import ingest as pipeline
from core.encoders import Suggestion
from core.errors import InputError, UnreadableFile
from core.ingest import IngestReport, Preview, ReadOptions
from core.search import encoder_for
from core.types import Passport, Pooling, Progress, StoredTokens
from core.workbench.jobs import begin_step

if TYPE_CHECKING:
    from core.store import EncodedCollection
    from core.workbench.collections import Workbench

DEFAULT_ENCODER = "starter"
DETECT = ReadOptions()


def no_progress(done: int, total: int) -> None:
    """For callers that do not watch."""


def ingest(
    bench: Workbench,
    name: str,
    path: str | Path,
    *,
    encoder: str | None = None,
    root: Path | None = None,
    options: ReadOptions = DETECT,
    long_text: str | None = None,
    prune: bool = False,
    progress: Progress = no_progress,
) -> IngestReport:
    """Read images, texts or ready-made vectors into a collection; see `core.ingest.read`.

    Items that it has already are updated: see `IngestReport`.

    Args:
        bench: the workbench.
        name: the collection; created if it does not exist.
        path: a folder or file of one of the forms `core.ingest.FORMS`.
        encoder: which encoder computes the vectors, or computed those in the file. Without one:
            the collection's first, else the starter.
        root: when given, paths outside it are rejected.
        options: how it is to be read where that shall not be detected.
        long_text: how texts beyond the encoder's limit are encoded: "windows", "stretch",
            "interpolate" or "" (truncated). Without it: as the collection's texts, else windows.
        prune: also delete the items that an earlier ingest of this path had, and it has no more.
        progress: called with (done, total); may raise to stop.

    Raises:
        InputError: nothing in it can be read; no new collection is left behind.
    """
    started, began = monotonic(), time_ns()
    path = pipeline.allowed(path, root)
    bench.last_used.note(name)
    place = _place(bench, path)
    try:
        if exports.is_export(path):
            if prune:
                raise InputError(f"{path} is an export, which only adds. Leave out --prune.")
            report = _restore(bench, name, path, encoder, root, progress)
        elif pipeline.is_vectors(path, options):
            begin_step(progress, "storing vectors", unit="rows")
            vectors = pipeline.read_vectors(path, root, options)
            passport = Passport(encoder or "unknown", "", "", vectors.d, True, "brought")
            collection = bench.home.ensure(name)
            report = pipeline.import_vectors(
                collection, vectors, passport, progress, place=place, prune=prune
            )
        else:
            begin_step(progress, "reading", 1, 3)
            source = pipeline.read(path, root, options, _stored(bench, name))
            begin_step(progress, "loading the encoder", 2, 3)
            loaded = encoders.load(encoder or _first_encoder(bench, name))
            begin_step(progress, "encoding", 3, 3, "images" if Path(path).is_dir() else "records")
            if long_text is not None:
                loaded = encoders.with_long_text(loaded, long_text)
                _check_long_text(bench, name, loaded.passport)
            collection = bench.home.ensure(name)
            report = pipeline.ingest(collection, source, loaded, progress, place=place, prune=prune)
        if not (report.images or report.texts or report.repeated):
            raise _nothing_read(Path(path).name, report)
    except BaseException:
        _delete_empty(bench, name)
        raise
    report.seconds = monotonic() - started
    _keep(bench, name, report, began, {"path": place, "options": asdict(options)})
    return report


def _keep(
    bench: Workbench, name: str, report: IngestReport, began: int, again: Mapping[str, Any]
) -> None:
    """Store a report, with when its items were added and what repeats the ingest."""
    moment = datetime.fromtimestamp(began / 1e9).strftime("%Y-%m-%d %H:%M:%S")
    when = {"time": moment, "began": began, "ended": time_ns()}
    document = {**report.to_dict(), **when, "again": dict(again)}
    bench.home.open(name).artifacts.write_ingest_report(document)


def preview(
    bench: Workbench,
    path: str | Path,
    *,
    name: str = "",
    root: Path | None = None,
    options: ReadOptions = DETECT,
    rows: int = 8,
    seconds: float = 2.0,
) -> Preview:
    """What `ingest` would read from a path: nothing is encoded or stored.

    Args:
        bench: the workbench.
        path: as of `ingest`; `root` and `options` as well.
        name: the collection that it would be added to, whose images a table may name.
        root: when given, paths outside it are rejected.
        options: how it is to be read where that shall not be detected.
        rows: how many records are shown.
        seconds: after which no more records are looked at.

    Raises:
        InputError: nothing in it can be read.
    """
    path = pipeline.allowed(path, root)
    if not exports.is_export(path):
        stored = _stored(bench, name)
        return pipeline.preview(path, root, options, stored, rows=rows, seconds=seconds)
    export = pipeline.allowed(path, root).name
    shown = [pipeline.preview_row(*one) for one in exports.first_items(path, root, rows)]
    return Preview(export, None, len(shown), tuple(shown), form=exports.FORM)


def _stored(bench: Workbench, name: str) -> pipeline.StoredImages | None:
    """The images of a collection, for captions that come without them; None for a new one."""
    return pipeline.StoredImages(bench.home.open(name)) if name in bench.home.names() else None


def upload_folder(bench: Workbench) -> Path:
    """Where uploaded files wait to be ingested."""
    return bench.folder / "drops"


def _place(bench: Workbench, path: str | Path) -> str:
    """What is ingested, as it is called when it comes again; uploads do not."""
    place = Path(path).expanduser().resolve()
    if place.is_relative_to(upload_folder(bench).resolve()):
        return f"upload {place.parent.name}"
    return str(place)


def _restore(
    bench: Workbench,
    name: str,
    path: str | Path,
    encoder: str | None,
    root: Path | None,
    progress: Progress,
) -> IngestReport:
    """Add the items of an export, and encode those that come without a vector."""
    begin_step(progress, "reading the export", 1, 2, "items")
    pipeline.allowed(path, root)
    collection = bench.home.ensure(name)
    report = exports.restore(collection, path, root, progress)
    # Vectors that were brought along have no encoder that could compute further ones.
    brought = [p for p in collection.passports() if p.weights]
    first = encoder or (brought[0].model if brought else "")
    complete = brought and not collection.item_ids() - collection.vector_ids(brought[0])
    if encoder or (not complete and (first or not collection.passports())):
        begin_step(progress, "encoding", 2, 2, "items")
        loaded = encoders.load(first or DEFAULT_ENCODER)
        added = pipeline.add_encoder(collection, loaded, progress)
        report.encoded, report.rejected = added.encoded, added.rejected
        report.notes += added.notes
    return report


def _delete_empty(bench: Workbench, name: str) -> None:
    """Delete a collection that holds nothing, unless other work is filling it."""
    if name not in bench.names():
        return
    counts = bench.home.open(name).counts()
    filling = [j for j in bench.jobs.all() if j.arguments.get("name") == name]
    if not counts.images + counts.texts and sum(j.state == "running" for j in filling) < 2:
        bench.home.delete(name)


def add_encoder(
    bench: Workbench, name: str, encoder: str, progress: Progress = no_progress
) -> IngestReport:
    """Encode the items of a collection with a further encoder; the first stays untouched."""
    begin_step(progress, "encoding", unit="items")
    return pipeline.add_encoder(bench.home.open(name), encoders.load(encoder), progress)


def encode_again(bench: Workbench, name: str, progress: Progress = no_progress) -> IngestReport:
    """Replace the vectors of an earlier version of an encoder, such as the starter; see `outdated`.

    The old vectors serve until the new ones are complete; a run that was stopped resumes.

    Raises:
        InputError: the vectors are those of the present version, or an item cannot be read.
    """
    from core.ingest import demo

    collection = bench.home.open(name)
    for old in collection.passports():
        if not old.weights:
            continue
        loaded = encoders.load(old.model)
        if not old.matches(loaded.passport):
            rows = demo.precomputed(loaded.passport)
            begin_step(progress, "encoding", unit="items")
            return pipeline.encode_again(collection, old, loaded, progress, rows)
    raise InputError(
        f"The vectors of '{name}' are those of its encoder's present version: there is nothing to "
        "encode again. A further encoder: sextant encode NAME --encoder MODEL"
    )


def outdated(bench: Workbench, name: str) -> bool:
    """Whether an earlier starter computed vectors of a collection: text queries need new ones."""
    return any(
        stored.model == DEFAULT_ENCODER and not stored.matches(encoders.load(stored.model).passport)
        for stored in bench.home.open(name).passports()
    )


def build_demo(
    bench: Workbench,
    progress: Progress = no_progress,
    *,
    name: str = "demo",
    encoder: str | None = None,
) -> IngestReport:
    """Render the demo's images and ingest them; a run that was stopped resumes.

    The starter's vectors of the first part come with Sextant, so that it can be searched at once.
    """
    from concurrent.futures import ThreadPoolExecutor

    from core.ingest import demo

    collection = bench.home.ensure(name)  # from here on the app shows it as being filled
    loaded, began = encoders.load(encoder or DEFAULT_ENCODER), time_ns()
    rows = demo.precomputed(loaded.passport)
    with ThreadPoolExecutor(1) as pool:
        for part in demo.DEMO_PARTS:
            if part == "rest" or not rows:
                pool.submit(encoders.warm, loaded.passport.model)  # while the images are rendered
            at = 1 + 2 * demo.DEMO_PARTS.index(part)
            begin_step(progress, "drawing", at, 4, "images")
            folder = demo.draw_demo(bench.folder / "drawings", part, on_progress=progress)
            begin_step(progress, "encoding", at + 1, 4, "images")
            report = pipeline.ingest(collection, pipeline.read(folder), loaded, progress, rows)
            _keep(bench, name, report, began, {})
    return report


def encoder_suggestions(seconds: float = 1.0) -> tuple[Suggestion, ...]:
    """Encoders to offer, small to large; those of the hub only where it is reachable in time."""
    found = encoders.SUGGESTIONS
    return found if encoders.reachable(seconds) else tuple(s for s in found if not s.megabytes)


def add_tokens(
    opened: EncodedCollection,
    *,
    pooling: Pooling | None = None,
    progress: Progress = no_progress,
) -> IngestReport:
    """Store a few token vectors for each item, for the first stage and for rerankers.

    What is stored stays, unless another pooling is given; a run that was stopped resumes.

    Args:
        opened: the collection.
        pooling: how an item's token vectors are pooled; without, as those that are stored.
        progress: called with (items done, all items); may raise to stop.

    Raises:
        NoTokens: the encoder has no token vectors.
        NoTextSearch: the encoder is not available.
    """
    loaded = encoder_for(opened.passport)
    begin_step(progress, "computing token vectors", unit="items")
    return pipeline.add_tokens(opened.collection, loaded, progress, pooling)


def tokens_stored(opened: EncodedCollection) -> StoredTokens:
    """How many items have token vectors, their mean size, and how they were pooled."""
    return opened.collection.tokens.stored(opened.passport)


def tokens_version(opened: EncodedCollection) -> str:
    """Changes when any process has written token vectors; no two collections share one."""
    return opened.collection.tokens.version(opened.passport)


def _nothing_read(source: str, report: IngestReport) -> UnreadableFile:
    if not report.rejected:
        aside = "".join(f"; left aside: {one.name}, {one.reason}" for one in report.left_aside[:1])
        return UnreadableFile(source, f"it has no images and no captions{aside}")
    first, n = report.rejected[0], len(report.rejected)
    which = "" if n == 1 else f"{n:,} rejected, first: "
    return UnreadableFile(
        source, f"nothing in it can be read ({which}{first.name}: {first.reason})"
    )


def _check_long_text(bench: Workbench, name: str, passport: Passport) -> None:
    """Reject another treatment of long texts than that of the stored vectors."""
    for stored in bench.home.open(name).passports() if name in bench.names() else ():
        if stored.model == passport.model and stored.long_text != passport.long_text:
            raise InputError(
                f"The texts of '{name}' were encoded with --long-text "
                f"{stored.long_text or 'cut'}; given: {passport.long_text or 'cut'}. "
                "Leave it as it is, or ingest into another collection."
            )


def _first_encoder(bench: Workbench, name: str) -> str:
    if name in bench.names():
        for passport in bench.home.open(name).passports():
            if passport.weights:
                return passport.model
    return DEFAULT_ENCODER
