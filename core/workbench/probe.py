"""Trying the encoder itself: on changed pictures and cut texts of a collection."""

from __future__ import annotations

from collections.abc import Sequence

from core import search
from core.encoders import Encoder
from core.errors import InputError, NoTextSearch
from core.types import Passport, Progress
from core.workbench.encoder_report import (
    STAGES,
    EncoderReport,
    sample,
    sample_key,
    try_encoder,
    work,
)
from core.workbench.ingest import no_progress
from core.workbench.search import Searching

PICTURES = 200


class Probing(Searching):
    """The verbs that run the encoder to say what it ignores."""

    def encoder_report(
        self,
        name: str,
        encoder: str | None = None,
        *,
        pictures: int = PICTURES,
        progress: Progress = no_progress,
    ) -> EncoderReport:
        """What probes find about an encoder, on a seeded random sample of a collection's items.

        Kept with the collection: what is known is not run again, and a run that was stopped goes on
        after its last finished change. Pictures that cannot be read are left out and named.

        Args:
            name: the collection.
            encoder: which; the collection's first without.
            pictures: how many at most.
            progress: called with (encoded, encodings in all); may raise to stop.

        Raises:
            InputError: what made the vectors is not at hand.
            PassportMismatch: what is at hand would make other vectors.
        """
        collection, space = self.home.open(name), self.space(name, encoder)
        passport, key = collection.passport(encoder), sample_key(space, pictures)
        report = self.kept_encoder_report(name, encoder)
        if report is None or report.sample != key:
            report = EncoderReport(passport.model, key, of=space.n_images, asked=pictures)
        if report.complete:
            return report
        return try_encoder(
            _loaded(passport),
            sample(space, pictures, collection.items),
            collection.payload,
            report,
            keep=lambda r: collection.notes.write_report(_place(passport), r.to_dict()),
            progress=progress,
        )

    def kept_encoder_report(self, name: str, encoder: str | None = None) -> EncoderReport | None:
        """What is known of an encoder without running it; None when it was never tried.

        It may be about the collection as it was: then it is `stale`.
        """
        collection, space = self.home.open(name), self.space(name, encoder)
        kept = collection.notes.read_report(_place(collection.passport(encoder)))
        if not kept:
            return None
        report = EncoderReport.from_dict(kept)
        report.stale = report.sample != sample_key(space, report.asked)
        return report

    def encoder_report_off(self, name: str, encoder: str | None = None) -> str:
        """Why the encoder cannot be tried, in a sentence; "" when it can."""
        passport = self.passport(name, encoder)
        if passport.weights:
            return ""
        try:
            _loaded(passport)
        except InputError as error:
            return str(error)
        return ""

    def encoder_work(self, name: str, encoder: str | None = None) -> tuple[int, float]:
        """How many encodings are left to do, and how many a second there were last time.

        The rate is that of an earlier report, else the pictures a second of the last ingest: next
        to them its texts take little time. 0 when neither is known.
        """
        collection = self.home.open(name)
        todo = work(sample(self.space(name, encoder), PICTURES, collection.items))
        known = self.kept_encoder_report(name, encoder)
        if known and known.rate:
            left = 1.0 if known.stale else 1 - len(known.done) / len(STAGES)
            return round(todo * left), known.rate
        first = collection.passports()[0].key == collection.passport(encoder).key
        last = collection.last_intake() if first else None
        rate = last["added"]["image"] / last["seconds"] if last and last["seconds"] else 0.0
        return todo, rate

    def changed(self, name: str, ids: Sequence[str], change: str) -> dict[str, bytes]:
        """Small WebP pictures of those ids that have one, after a change of the usual strength."""
        from core.ingest import AUGMENTATIONS, decode, thumbnail

        small = self.thumbnails(name, ids)
        return {
            id_: thumbnail(AUGMENTATIONS[change].usually(decode(webp, id_)))
            for id_, webp in small.items()
        }


def _place(passport: Passport) -> str:
    """What the report is kept under.

    >>> _place(Passport("toy", "none", "mean colour", 8))[:8]
    'encoder/'
    """
    return f"encoder/{passport.key}"


def _loaded(passport: Passport) -> Encoder:
    try:
        return search.encoder_for(passport)
    except NoTextSearch as error:
        raise InputError(
            f"The encoder cannot be tried: the vectors came from '{error.encoder}' and "
            f"{error.reason}. Encode the items with one that is here: sextant ingest, or Add an "
            "encoder on the Collections page."
        ) from error
