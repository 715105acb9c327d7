"""The run: encode, change by change, and keep what the probes find after each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, time
from typing import TYPE_CHECKING

import numpy as np

from core.encoder_report.report import TEXTS, EncoderReport
from core.encoder_report.sample import Sample
from core.encoders import Encoder
from core.errors import InputError, UnreadableFile
from core.ingest import decode
from core.ingest.transforms import TRANSFORMS, Transform
from core.probes import PROBES
from core.trial import Changed, Trial
from core.types import Floats, Progress

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 512  # pixels of the shorter side at which pictures are changed: encoders see no more
BATCH = 8  # pictures in work at a time, each as often as a change has strengths
THREADS = 2

Read = Callable[[str], bytes]


def work(sample: Sample) -> int:
    """How many pictures and texts a whole run encodes."""
    views = sum(len(t.strengths) for t in TRANSFORMS.values())
    cut = sum(map(len, sample.cut))
    return len(sample.pictures) * (1 + views) + cut + len(sample.texts)


def try_encoder(
    encoder: Encoder,
    sample: Sample,
    read: Read,
    report: EncoderReport,
    *,
    keep: Callable[[EncoderReport], None],
    progress: Progress,
) -> EncoderReport:
    """Run what the report lacks.

    Args:
        encoder: what is tried.
        sample: on which pictures and texts.
        read: a picture's bytes by its id; raises UnreadableFile.
        report: what is known already: its stages are not run again.
        keep: called with the report after each stage.
        progress: told how many of all encodings are done; may raise to stop.
    """
    views = _Views(encoder, read, work(sample), progress)
    pictures = views.originals(sample.pictures, report)
    for name, transform in TRANSFORMS.items():
        if name in report.done:
            views.skip(len(report.ids) * len(transform.strengths))
            continue
        rows = views.changed(report.ids, transform)
        changed = Changed(rows, transform.words, transform.usual)
        _probe("pictures", Trial(pictures, {name: changed}), report)
        report.rate = views.rate
        _finish(name, report, keep)
    if TEXTS not in report.done:
        _probe(TEXTS, _text_trial(encoder, sample, views.skip), report)
        _finish(TEXTS, report, keep)
    progress(work(sample), work(sample))
    return report


class _Views:
    """Encodes pictures as they are and changed, a few at a time; pixels are not kept."""

    def __init__(self, encoder: Encoder, read: Read, total: int, progress: Progress) -> None:
        self._encoder, self._read, self._progress = encoder, read, progress
        self._total, self._done, self._encoded = total, 0, 0
        self._started = monotonic()
        self.skip(0)

    @property
    def rate(self) -> float:
        """Pictures encoded a second."""
        return self._encoded / max(monotonic() - self._started, 1e-9)

    def skip(self, n: int) -> None:
        """Count what was done elsewhere."""
        self._done += n
        self._progress(self._done, self._total)

    def originals(self, ids: Sequence[str], report: EncoderReport) -> Floats:
        """(n, d) rows of the pictures that can be read; the report says which, and why not."""
        known, report.ids, report.left_out = report.ids, [], []
        rows = [np.empty((0, self._encoder.d), np.float32)]
        for id_, found in self._encode(ids, lambda image: [image]):
            if isinstance(found, UnreadableFile):
                report.left_out.append((found.name, found.reason))
            else:
                report.ids.append(id_)
                rows.append(found)
        if report.ids != known:  # what was found is about other pictures
            report.done, report.findings, report.lacks = [], [], {}
        return np.concatenate(rows)

    def changed(self, ids: Sequence[str], transform: Transform) -> Floats:
        """(n, v, d) rows of pictures at every strength of a change."""
        rows = np.empty((len(ids), len(transform.strengths), self._encoder.d), np.float32)
        for n, (_, found) in enumerate(self._encode(ids, transform.views)):
            if isinstance(found, UnreadableFile):  # it could be read a moment ago
                raise found
            rows[n] = found
        return rows

    def _encode(
        self, ids: Sequence[str], views: Callable[[Image], list[Image]]
    ) -> Iterator[tuple[str, Floats | UnreadableFile]]:
        """(v, d) rows of each picture, prepared in threads, or why it cannot be read."""

        def prepared(id_: str) -> Floats | UnreadableFile:
            try:
                image = _smaller(decode(self._read(id_), id_, at_least=SIDE))
            except UnreadableFile as error:
                return error
            return np.stack([self._encoder.prepare(view) for view in views(image)])

        with ThreadPoolExecutor(THREADS, thread_name_prefix="change") as pool:
            for start in range(0, len(ids), BATCH):
                part = ids[start : start + BATCH]
                found = list(pool.map(prepared, part))
                pixels = [f for f in found if not isinstance(f, UnreadableFile)]
                rows = self._encoder.encode_prepared(np.concatenate(pixels)) if pixels else ()
                self._encoded += len(rows)
                self.skip(len(rows))
                each = iter(np.split(rows, len(pixels))) if pixels else iter(())
                for id_, f in zip(part, found, strict=True):
                    yield id_, f if isinstance(f, UnreadableFile) else next(each)


def _smaller(image: Image) -> Image:
    """At most `SIDE` pixels along the shorter side, so that large pictures do not take long."""
    scale = SIDE / min(image.size)
    if scale >= 1:
        return image
    return image.resize((round(image.width * scale), round(image.height * scale)), reducing_gap=2.0)


def _text_trial(encoder: Encoder, sample: Sample, count: Callable[[int], None]) -> Trial:
    cut = np.empty((len(sample.cut), len(sample.cut[0]) if sample.cut else 0, encoder.d), "f4")
    for rows, texts in zip(cut, sample.cut, strict=True):
        rows[:] = encoder.encode_texts(texts)
        count(len(texts))
    natural = encoder.encode_texts(sample.texts)
    count(len(natural))
    words = np.array([len(t.split()) for t in sample.texts], np.int64)
    to = np.array(sample.cut_to, np.int64)
    return Trial(texts=natural, words=words, cut=cut, cut_to=to, cut_from=sample.cut_from)


def _probe(takes: str, trial: Trial, report: EncoderReport) -> None:
    """Run the probes that take this kind of trial; what one cannot say is noted."""
    for part in PROBES.all().values():
        if part.traits["takes"] == takes:
            try:
                report.findings += part(trial)
            except InputError as lack:
                report.lacks[part.name] = str(lack)


def _finish(stage: str, report: EncoderReport, keep: Callable[[EncoderReport], None]) -> None:
    report.done.append(stage)
    report.made = time()
    keep(report)
