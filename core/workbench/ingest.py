"""Adding to a collection: images, texts, vectors, a further encoder, token vectors, the demo."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from core import encoders
from core import ingest as pipeline
from core.encoders import Suggestion
from core.errors import InputError, UnreadableFile
from core.ingest import IngestReport
from core.search import encoder_for
from core.types import Passport, Pooling, Progress, StoredTokens
from core.workbench.jobs import begin_step

if TYPE_CHECKING:
    from core.store import EncodedCollection
    from core.workbench.collections import Workbench

DEFAULT_ENCODER = "starter"


def no_progress(done: int, total: int) -> None:
    """For callers that do not watch."""


def ingest(
    bench: Workbench,
    name: str,
    path: str | Path,
    *,
    encoder: str | None = None,
    root: Path | None = None,
    long_text: str | None = None,
    progress: Progress = no_progress,
) -> IngestReport:
    """Read images, texts or ready-made vectors into a collection; see `core.ingest.read`.

    Args:
        bench: the workbench.
        name: the collection; created if it does not exist.
        path: folder, zip, items.jsonl, CSV, TSV, Parquet or COCO captions.
        encoder: which encoder computes the vectors, or computed those in the file. Without one:
            the collection's first, else the starter.
        root: when given, paths outside it are rejected.
        long_text: how texts beyond the encoder's limit are encoded: "windows", "stretch",
            "interpolate" or "" (truncated). Without it: as the collection's texts, else windows.
        progress: called with (done, total); may raise to stop.

    Raises:
        InputError: nothing in it can be read; no new collection is left behind.
    """
    started = monotonic()
    bench.last_used.note(name)
    if pipeline.is_vectors(path):
        begin_step(progress, "storing vectors", unit="rows")
        intake = pipeline.read_vectors(path, root)
        d = intake.vectors.shape[1]
        passport = Passport(encoder or "unknown", "", "", d, True, "brought")
        collection = bench.home.ensure(name)
        report = pipeline.import_vectors(collection, intake, passport, progress)
    else:
        source = pipeline.read(path, root)
        begin_step(progress, "loading the encoder", 1, 2)
        loaded = encoders.load(encoder or _first_encoder(bench, name))
        begin_step(progress, "encoding", 2, 2, "images" if Path(path).is_dir() else "records")
        if long_text is not None:
            loaded = encoders.with_long_text(loaded, long_text)
            _check_long_text(bench, name, loaded.passport)
        collection = bench.home.ensure(name)
        report = pipeline.ingest(collection, source, loaded, progress)
    if report.rejected and not (report.images or report.texts or report.repeated):
        _delete_empty(bench, name)
        raise _nothing_read(Path(path).name, report)
    report.seconds = monotonic() - started
    collection.artifacts.write_ingest_report(report.to_dict())
    return report


def _delete_empty(bench: Workbench, name: str) -> None:
    """Delete a collection that holds nothing, unless other work is filling it."""
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
    loaded = encoders.load(encoder or DEFAULT_ENCODER)
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
            collection.artifacts.write_ingest_report(report.to_dict())
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
