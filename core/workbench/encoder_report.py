"""The report on an encoder: probes run on a sample of images, texts, and truncated texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from time import monotonic, time
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders import Encoder
from core.errors import InputError, UnreadableFile
from core.ingest import AUGMENTATIONS, Augmentation, decode
from core.measure import PROBES, Augmented, ProbeData
from core.types import Finding, Floats, Item, Progress, Space, digest

if TYPE_CHECKING:
    from PIL.Image import Image

FORMAT = "2"  # goes up when probes give another result on the same sample
TEXTS = "texts"
STAGES = (*AUGMENTATIONS, TEXTS)  # run one after the other, and saved one by one

NATURAL = 400  # texts encoded as they are
READ = 5000  # texts searched for long ones
TRUNCATED = 200  # texts that are truncated
TOPS = (48, 32, 24, 16, 12)  # words of the longest truncation; CLIP's 77 tokens hold no more
LONG = 24  # words from which a caption need not be joined with others
SHORTEST, LENGTHS = 4, 5  # words of the shortest truncation; number of lengths
ENOUGH, LEAST = 50, 16  # long texts that are preferred, and needed
OWN, JOINED = "texts", "texts (the captions of one image, joined)"

SIDE = 512  # pixels of the shorter side at which images are augmented: encoders use no more
BATCH = 8  # images in memory at a time, each at every strength of an augmentation
THREADS = 2

Read = Callable[[str], bytes]
Save = Callable[["EncoderReport"], None]


@dataclass(frozen=True)
class Sample:
    """Ids of images, texts as they are, and the same texts truncated to several lengths.

    Args:
        images: ids.
        texts: as they are.
        cut: m texts at each of c lengths, shortest first.
        cut_to: those lengths in words.
        cut_from: what was truncated.
    """

    images: tuple[str, ...]
    texts: tuple[str, ...] = ()
    cut: tuple[tuple[str, ...], ...] = ()
    cut_to: tuple[int, ...] = ()
    cut_from: str = OWN

    @property
    def encodings(self) -> int:
        """How many images and texts a whole run encodes."""
        views = sum(len(t.strengths) for t in AUGMENTATIONS.values())
        return len(self.images) * (1 + views) + sum(map(len, self.cut)) + len(self.texts)


@dataclass
class EncoderReport:
    """What probes found so far; finished stages are saved when the rest is interrupted.

    Args:
        encoder: its name.
        sample: identity of the sample.
        of: number of images of the collection.
        asked: number of images of the sample.
        ids: those that can be read: the order of every finding's `per_item`.
        left_out: (name, reason) of the others.
        done: finished stages: names of augmentations, "texts".
        findings: in the order they were measured.
        lacks: why a probe could not run, by its name.
        made: when, in seconds since 1970.
        rate: images encoded per second.
        stale: the collection has changed since.
    """

    encoder: str
    sample: str
    of: int = 0
    asked: int = 0
    ids: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lacks: dict[str, str] = field(default_factory=dict)
    made: float = 0.0
    rate: float = 0.0
    stale: bool = False

    @property
    def complete(self) -> bool:
        """Whether every stage is finished."""
        return set(STAGES) <= set(self.done)

    def of_probe(self, name: str, space: Space) -> tuple[Finding, ...]:
        """One probe's findings, with `per_item` over the rows of a space."""
        own = (f for f in self.findings if f.name.partition(":")[0] == name)
        return tuple(self._over_rows(f, space) for f in own)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**plain, "findings": [f.to_dict() for f in self.findings]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> EncoderReport:
        """The inverse of `to_dict`."""
        left_out = [(name, reason) for name, reason in plain["left_out"]]
        findings = [Finding.from_dict(f) for f in plain["findings"]]
        return cls(**{**plain, "left_out": left_out, "findings": findings})

    def _over_rows(self, finding: Finding, space: Space) -> Finding:
        if finding.per_item is None:
            return finding
        values = np.full(space.n, np.nan, np.float32)
        known = False
        for id_, value in zip(self.ids, finding.per_item, strict=True):
            if id_ in space.row:
                values[space.row[id_]], known = value, True
        return replace(finding, per_item=values if known else None)


def sample_key(space: Space, images: int) -> str:
    """Identity of a sample: changes with the items and with the augmentations."""
    changes = repr([(name, t.strengths, t.usual) for name, t in AUGMENTATIONS.items()])
    items = ("\n".join(space.ids), str(space.n_images), space.pairs.tobytes())
    return digest(FORMAT, changes, str(images), *items)


def sample(space: Space, images: int, items: Callable[[Sequence[str]], list[Item]]) -> Sample:
    """A seeded random sample of a space's items.

    Args:
        space: where the items are.
        images: how many images at most.
        items: reads items by id.
    """
    rng = np.random.default_rng(0)
    n, total = space.n_images, space.n - space.n_images
    chosen = np.sort(rng.choice(n, min(n, images), replace=False))
    rows = n + rng.choice(total, min(total, READ), replace=False)
    read = items([space.ids[r] for r in rows])
    texts = {int(r): item.text for r, item in zip(rows, read, strict=True)}
    own = [t for t in texts.values() if t]
    return Sample(
        tuple(space.ids[r] for r in chosen),
        tuple(own[:NATURAL]),
        *_truncated(own, list(_joined(space, texts))),
    )


def run_probes(
    encoder: Encoder,
    sample: Sample,
    read: Read,
    report: EncoderReport,
    *,
    save: Save,
    progress: Progress,
) -> EncoderReport:
    """Run the stages that a report lacks.

    Args:
        encoder: the encoder.
        sample: images and texts.
        read: an image's bytes by its id; raises UnreadableFile.
        report: its finished stages are not run again.
        save: called with the report after each stage.
        progress: called with (encoded, all encodings); may raise to stop.
    """
    batches = _Batches(encoder, read, sample.encodings, progress)
    images = batches.originals(sample.images, report)
    for name, augmentation in AUGMENTATIONS.items():
        if name in report.done:
            batches.count(len(report.ids) * len(augmentation.strengths))
            continue
        rows = batches.augmented(report.ids, augmentation)
        augmented = Augmented(rows, augmentation.words, augmentation.usual)
        _run("images", ProbeData(images, {name: augmented}), report)
        report.rate = batches.rate
        _finish(name, report, save)
    if TEXTS not in report.done:
        _run(TEXTS, _text_data(encoder, sample, batches.count), report)
        _finish(TEXTS, report, save)
    progress(sample.encodings, sample.encodings)
    return report


class _Batches:
    """Encodes images as they are and augmented, a few at a time; pixels are not stored."""

    def __init__(self, encoder: Encoder, read: Read, total: int, progress: Progress) -> None:
        self._encoder, self._read, self._progress = encoder, read, progress
        self._total, self._done, self._encoded = total, 0, 0
        self._started = monotonic()
        self.count(0)

    @property
    def rate(self) -> float:
        """Images encoded per second."""
        return self._encoded / max(monotonic() - self._started, 1e-9)

    def count(self, n: int) -> None:
        """Count n encodings as done."""
        self._done += n
        self._progress(self._done, self._total)

    def originals(self, ids: Sequence[str], report: EncoderReport) -> Floats:
        """(n, d) rows of the images that can be read; the report names them, and the others."""
        known, report.ids, report.left_out = report.ids, [], []
        rows = [np.empty((0, self._encoder.d), np.float32)]
        for id_, row in self._encode(ids, lambda image: [image]):
            if isinstance(row, UnreadableFile):
                report.left_out.append((row.name, row.reason))
            else:
                report.ids.append(id_)
                rows.append(row)
        if report.ids != known:  # the findings are about other images
            report.done, report.findings, report.lacks = [], [], {}
        return np.concatenate(rows)

    def augmented(self, ids: Sequence[str], augmentation: Augmentation) -> Floats:
        """(n, v, d) rows of images at every strength of an augmentation."""
        rows = np.empty((len(ids), len(augmentation.strengths), self._encoder.d), np.float32)
        for i, (_, views) in enumerate(self._encode(ids, augmentation.views)):
            if isinstance(views, UnreadableFile):  # it could be read a moment ago
                raise views
            rows[i] = views
        return rows

    def _encode(
        self, ids: Sequence[str], views: Callable[[Image], list[Image]]
    ) -> Iterator[tuple[str, Floats | UnreadableFile]]:
        """(v, d) rows of each image, prepared in threads, or why it cannot be read."""

        def prepared(id_: str) -> Floats | UnreadableFile:
            try:
                image = _smaller(decode(self._read(id_), id_, at_least=SIDE))
            except UnreadableFile as error:
                return error
            return np.stack([self._encoder.prepare(view) for view in views(image)])

        with ThreadPoolExecutor(THREADS, thread_name_prefix="augment") as pool:
            for start in range(0, len(ids), BATCH):
                part = ids[start : start + BATCH]
                batch = list(pool.map(prepared, part))
                pixels = [p for p in batch if not isinstance(p, UnreadableFile)]
                rows = self._encoder.encode_prepared(np.concatenate(pixels)) if pixels else ()
                self._encoded += len(rows)
                self.count(len(rows))
                each = iter(np.split(rows, len(pixels))) if pixels else iter(())
                for id_, p in zip(part, batch, strict=True):
                    yield id_, p if isinstance(p, UnreadableFile) else next(each)


def _smaller(image: Image) -> Image:
    """At most `SIDE` pixels along the shorter side, so that large images take no longer."""
    scale = SIDE / min(image.size)
    if scale >= 1:
        return image
    return image.resize((round(image.width * scale), round(image.height * scale)), reducing_gap=2.0)


def _text_data(encoder: Encoder, sample: Sample, count: Callable[[int], None]) -> ProbeData:
    cut = np.empty((len(sample.cut), len(sample.cut[0]) if sample.cut else 0, encoder.d), "f4")
    for rows, texts in zip(cut, sample.cut, strict=True):
        rows[:] = encoder.encode_texts(texts)
        count(len(texts))
    natural = encoder.encode_texts(sample.texts)
    count(len(natural))
    words = np.array([len(t.split()) for t in sample.texts], np.int64)
    to = np.array(sample.cut_to, np.int64)
    return ProbeData(texts=natural, words=words, cut=cut, cut_to=to, cut_from=sample.cut_from)


def _run(takes: str, data: ProbeData, report: EncoderReport) -> None:
    """Run the probes that take this kind of data; why one cannot run goes into the report."""
    for part in PROBES.all().values():
        if part.traits["takes"] == takes:
            try:
                report.findings += part(data)
            except InputError as lack:
                report.lacks[part.name] = str(lack)


def _finish(stage: str, report: EncoderReport, save: Save) -> None:
    report.done.append(stage)
    report.made = time()
    save(report)


def _joined(space: Space, texts: dict[int, str]) -> Iterator[str]:
    """All captions of an image as one text, where all of them were read."""
    by_image: dict[int, list[str]] = {}
    for image, text in space.pairs.tolist():
        by_image.setdefault(image, []).append(texts.get(text, ""))
    for captions in by_image.values():
        if len(captions) > 1 and all(captions):
            yield " ".join(c.strip().rstrip(".") + "." for c in captions)


def _truncated(
    own: Sequence[str], joined: Sequence[str]
) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...], str]:
    """Texts truncated to geometrically spaced lengths; none where too few are long enough.

    Single captions are preferred to joined ones, unless they are short.
    """
    sources = [(OWN, own, top) for top in TOPS if top >= LONG]
    sources += [(JOINED, joined, top) for top in TOPS]
    sources += [(OWN, own, top) for top in TOPS if top < LONG]
    for needed in (ENOUGH, LEAST):
        for name, texts, top in sources:
            long = [w for w in map(str.split, texts) if len(w) >= top][:TRUNCATED]
            if len(long) >= needed:
                to = tuple(int(k) for k in np.geomspace(SHORTEST, top, LENGTHS).round())
                return tuple(tuple(" ".join(w[:k]) for w in long) for k in to), to, name
    return (), (), OWN
