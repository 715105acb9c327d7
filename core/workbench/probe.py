"""Testing the encoder itself, on augmented images and truncated texts of a collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core import search
from core.encoders import Encoder
from core.errors import InputError, NoTextSearch
from core.ingest import AUGMENTATIONS, decode, thumbnail
from core.types import Passport, Progress
from core.workbench.encoder_report import (
    STAGES,
    EncoderReport,
    run_probes,
    sample,
    sample_key,
)
from core.workbench.ingest import no_progress

if TYPE_CHECKING:
    from core.store import EncodedCollection

IMAGES = 200


def encoder_report(
    opened: EncodedCollection, *, images: int = IMAGES, progress: Progress = no_progress
) -> EncoderReport:
    """What probes find about an encoder, on a seeded random sample of a collection's items.

    Stored with the collection: finished stages are not run again, and a run that was stopped
    resumes after the last of them. Images that cannot be read are left out and named.

    Args:
        opened: the collection, with the encoder's vectors.
        images: how many at most.
        progress: called with (encoded, all encodings); may raise to stop.

    Raises:
        InputError: the encoder is not available.
        PassportMismatch: the encoder that is available would compute other vectors.
    """
    collection, space, passport = opened.collection, opened.space, opened.passport
    key = sample_key(space, images)
    report = saved_encoder_report(opened)
    if report is None or report.sample != key:
        report = EncoderReport(passport.model, key, of=space.n_images, asked=images)
    if report.complete:
        return report
    return run_probes(
        _loaded(passport),
        sample(space, images, collection.items),
        collection.payload,
        report,
        save=lambda r: collection.artifacts.write_report(_place(passport), r.to_dict()),
        progress=progress,
    )


def saved_encoder_report(opened: EncodedCollection) -> EncoderReport | None:
    """What is known of an encoder without running it; None when it was never tested.

    It may be about the collection as it was: then it is `stale`.
    """
    saved = opened.collection.artifacts.read_report(_place(opened.passport))
    if not saved:
        return None
    report = EncoderReport.from_dict(saved)
    report.stale = report.sample != sample_key(opened.space, report.asked)
    return report


def encoder_report_off(opened: EncodedCollection) -> str:
    """Why the encoder cannot be tested, in a sentence; "" when it can."""
    if opened.passport.weights:
        return ""
    try:
        _loaded(opened.passport)
    except InputError as error:
        return str(error)
    return ""


def encoder_work(opened: EncodedCollection) -> tuple[int, float]:
    """How many encodings are left to do, and how many there were per second last time.

    The rate is that of an earlier report, else the images per second of the last ingest: beside
    them its texts take little time. 0 when neither is known.
    """
    collection, passport = opened.collection, opened.passport
    todo = sample(opened.space, IMAGES, collection.items).encodings
    report = saved_encoder_report(opened)
    if report and report.rate:
        left = 1.0 if report.stale else 1 - len(report.done) / len(STAGES)
        return round(todo * left), report.rate
    is_first = collection.passports()[0].key == passport.key
    last = collection.artifacts.last_ingest_report() if is_first else None
    rate = last["added"]["image"] / last["seconds"] if last and last["seconds"] else 0.0
    return todo, rate


def augmented(opened: EncodedCollection, ids: Sequence[str], augmentation: str) -> dict[str, bytes]:
    """WebP thumbnails of those ids that have one, augmented at the usual strength."""
    thumbnails = opened.collection.thumbnails(ids)
    return {
        id_: thumbnail(AUGMENTATIONS[augmentation].usually(decode(webp, id_)))
        for id_, webp in thumbnails.items()
    }


def _place(passport: Passport) -> str:
    """The name the report is stored under.

    >>> _place(Passport("toy", "none", "mean color", 8))[:8]
    'encoder/'
    """
    return f"encoder/{passport.key}"


def _loaded(passport: Passport) -> Encoder:
    try:
        return search.encoder_for(passport)
    except NoTextSearch as error:
        raise InputError(
            f"The encoder cannot be tested: the vectors came from '{error.encoder}' and "
            f"{error.reason}. Encode the items with one that is available: sextant ingest, or Add "
            "an encoder on the Collections page."
        ) from error
