"""What is usual for encoders of the CLIP family: published figures, each with its source.

A healthy encoder of this kind is not ideal: its kinds are apart and its cosines are high. A value
within its usual range is never "bad". Ranges around published points are ours; figures without a
publication were measured on the planted CLIP-like spaces of the tests (gap 0.8, mean cosine 0.5,
recall@1 60%) and say so.
"""

from __future__ import annotations

from dataclasses import dataclass

PLANTED = "the planted CLIP-like spaces of our tests"


@dataclass(frozen=True, slots=True)
class Usual:
    """A range of values, from where, and in words."""

    low: float
    high: float
    source: str

    def holds(self, value: float) -> bool:
        """Whether a value is in the range.

        >>> USUAL["separability"].holds(1.0), USUAL["modality_gap"].holds(1.4)
        (True, False)
        """
        return self.low <= value <= self.high

    @property
    def words(self) -> str:
        """The range in words.

        >>> USUAL["modality_gap"].words
        '0.7 to 0.95 (Liang et al. 2022: 0.82 for CLIP ViT-B/32 on COCO)'
        """
        ends = f"{self.low:g} to {self.high:g}" if self.low < self.high else f"{self.low:g}"
        return f"{ends} ({self.source})"


# Not among `USUAL`: pairs as far apart as this can still be wrong pairs.
CLIP_ALIGNMENT = Usual(
    1.3, 1.5, "Schuhmann et al. 2021: LAION-400M keeps pairs whose cosine by CLIP ViT-B/32 is 0.3 "
    "or more, a squared distance of 1.4; the range around it is ours"
)  # fmt: skip
USUAL = {
    "modality_gap": Usual(
        0.7, 0.95, "Liang et al. 2022: 0.82 for CLIP ViT-B/32 on COCO"
    ),
    "separability": Usual(
        0.95, 1.0, "Levi and Gilboa 2025, arXiv 2411.14517: CLIP's images and texts are linearly "
        "separable"
    ),
    # With a gap of 0.8 to 0.95 and mean cosines of 0.4 to 0.5.
    "mean_cosine": Usual(-0.05, 0.51, PLANTED),
    "gap_variance": Usual(0.2, 0.26, PLANTED),
    "cone": Usual(44.0, 51.0, PLANTED),
    "partition_isotropy": Usual(0.24, 0.28, PLANTED),
    "stable_rank": Usual(1.9, 2.5, PLANTED),
    "uniformity": Usual(-2.4, -1.9, PLANTED),
}  # fmt: skip
