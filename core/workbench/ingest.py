"""Taking in: pictures, texts, vectors, a further encoder, the demo."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from core import encoders
from core.encoders import Suggestion as EncoderSuggestion
from core.errors import InputError
from core.ingest import IngestReport
from core.types import Passport, Progress
from core.workbench.collections import Collections

DEFAULT_ENCODER = "starter"


def no_progress(done: int, total: int) -> None:
    """For callers that do not watch."""


class Filling(Collections):
    """The verbs that add to a collection."""

    def ingest(
        self,
        name: str,
        path: str | Path,
        *,
        encoder: str | None = None,
        root: Path | None = None,
        long_text: str | None = None,
        progress: Progress = no_progress,
    ) -> IngestReport:
        """Read pictures, texts or ready-made vectors into a collection; see `core.ingest.read`.

        Args:
            name: the collection; made when it is not there.
            path: folder, zip, items.jsonl, CSV, TSV, Parquet or COCO captions.
            encoder: what makes the vectors, or made those in the file. Without one: the
                collection's first, else the starter.
            root: when given, paths outside it are refused.
            long_text: how texts beyond the encoder's limit are read: "windows", "stretch",
                "interpolate" or "" (cut). Without it: as those that are there, else in windows.
            progress: called with (done, total); may raise to stop.
        """
        from core.ingest import import_vectors, is_vectors, read, read_vectors
        from core.ingest import ingest as pipeline_ingest

        started = monotonic()
        if is_vectors(path):
            intake = read_vectors(path, root)
            made_by = Passport(
                encoder or "unknown", "", "", intake.vectors.shape[1], True, "brought"
            )
            collection = self.home.ensure(name)
            report = import_vectors(collection, intake, made_by, progress)
        else:
            source = read(path, root)
            loaded = encoders.load(encoder or self._first_encoder(name))
            if long_text is not None:
                loaded = encoders.with_long_text(loaded, long_text)
                self._check_long_text(name, loaded.passport)
            collection = self.home.ensure(name)
            report = pipeline_ingest(collection, source, loaded, progress)
        report.seconds = monotonic() - started
        collection.note_intake(report.to_dict())
        return report

    def encoder_suggestions(self, seconds: float = 1.0) -> tuple[EncoderSuggestion, ...]:
        """Encoders to offer, small to large; those of the hub only where it answers in time."""
        found = encoders.SUGGESTIONS
        return found if encoders.reachable(seconds) else tuple(s for s in found if not s.megabytes)

    def add_encoder(
        self, name: str, encoder: str, progress: Progress = no_progress
    ) -> IngestReport:
        """Encode what is in a collection with a further encoder; the first stays untouched."""
        from core.ingest import add_encoder as pipeline_add_encoder

        return pipeline_add_encoder(self.home.open(name), encoders.load(encoder), progress)

    def build_demo(self, progress: Progress = no_progress, *, name: str = "demo") -> IngestReport:
        """Draw the demo's pictures and ingest them; run again, it goes on where it stopped."""
        from concurrent.futures import ThreadPoolExecutor

        from core.ingest import demo

        self.home.ensure(name)  # from here on the app says that it is being filled
        reports = []
        with ThreadPoolExecutor(1) as pool:
            pool.submit(encoders.warm, DEFAULT_ENCODER)  # while the first pictures are drawn
            for part in demo.DEMO_PARTS:
                folder = demo.draw_demo(self.folder / "drawings", part, on_progress=progress)
                reports.append(
                    self.ingest(name, folder, encoder=DEFAULT_ENCODER, progress=progress)
                )
        return reports[-1]

    def _check_long_text(self, name: str, asked: Passport) -> None:
        """Refuse another way to read long texts than that of the vectors that are there."""
        there = self.home.open(name).passports() if name in self.names() else ()
        for stored in there:
            if stored.model == asked.model and stored.long_text != asked.long_text:
                raise InputError(
                    f"The texts of '{name}' were read with long text "
                    f"'{stored.long_text or 'cut'}'; asked was '{asked.long_text or 'cut'}'. "
                    "Leave it as it is, or ingest into another collection."
                )

    def _first_encoder(self, name: str) -> str:
        if name in self.names():
            for passport in self.home.open(name).passports():
                if passport.weights:
                    return passport.model
        return DEFAULT_ENCODER
