"""Every sentence over spaces that invite wrong ones: it agrees with its value, and is English."""

import re

import numpy as np
import pytest

from core.errors import InputError
from core.measure.diagnostics import DIAGNOSTICS
from tests.fixtures import spaces
from tests.fixtures.parts import each_part


def several(n=60, each=5, d=16):
    """Five captions for an image, most with a label, some labels with one image."""
    images = spaces.directions(n, d)
    texts = np.repeat(images, each, axis=0) + 0.8 * spaces.directions(n * each, d, 1)
    pairs = np.column_stack([np.arange(n * each) // each, n + np.arange(n * each)])
    labels = [(f"label {i % 7}",) if i % 9 else () for i in range(n)]
    return spaces.space(images, texts, pairs, labels=[*labels, *[()] * (n * each)])


def tied():
    """Vectors of two values: cosines are equal all over."""
    rows = np.sign(spaces.directions(240, 6))
    return spaces.labelled(spaces.space(rows[:120], rows[120:], spaces.diagonal(120)))


def one_copy():
    """Everything is counted once: one copy, one label beyond, one pair."""
    good = spaces.paired(n=150, d=24)
    images, texts = good.images.copy(), good.texts.copy()
    images[0], texts[0] = images[1], texts[1]
    return spaces.labelled(spaces.space(images, texts, spaces.diagonal(150)))


SPACES = {
    "three": spaces.paired(n=3, d=4),
    "three, labeled": spaces.with_labels(spaces.paired(n=3, d=4), ["a", "a", "b"]),
    "two dimensions": spaces.labelled(spaces.ball(d=2)),
    "one dimension": spaces.space([[1.0], [-1.0], [1.0]] * 10, [[1.0], [-1.0]] * 15),
    "ties": tied(),
    "constant": spaces.labelled(spaces.same(n=120)),
    "wide": spaces.labelled(spaces.paired(n=120, d=2048)),
    "images only": spaces.with_labels(spaces.space(spaces.directions(150, 16)), ["a", "b"] * 75),
    "texts only": spaces.space((), spaces.directions(150, 16)),
    "no pairs": spaces.space(spaces.directions(130, 16), spaces.directions(140, 16, 1)),
    "few labels": spaces.with_labels(spaces.paired(n=120), ["a"] * 60 + ["b"] * 58 + ["c"] * 2),
    "one label": spaces.with_labels(spaces.paired(n=120), ["only"] * 120),
    "no labels": spaces.with_labels(spaces.paired(n=120), [""] * 120),
    "captions": several(),
    "one copy": one_copy(),
    "every pair right": spaces.labelled(spaces.paired(n=200, d=64, agreement=0.99)),
    "every pair wrong": spaces.labelled(spaces.shuffled(n=200, d=64)),
    "collapsed": spaces.collapsed_class(),
    "gap": spaces.labelled(spaces.gap(n=200, d=64, size=4.0)),
    "low rank": spaces.labelled(spaces.low_rank(n=400, d=64)),
    "cone": spaces.labelled(spaces.cone(n=300, d=512, cosine=0.99)),
}
NOUNS = (
    "captions|clusters|codes|copies|dimensions|directions|duplicates|groups|hubs|images|items|"
    "labels|neighbors|pairs|points|queries|rows|texts|times|vectors|words"
)
NUMBER = re.compile(r"(?<![\w.])([<>]?)([−-]?)(\d[\d,]*(?:\.\d+)?)(?![\d.]*\d)")


def wrongs(text):
    """What is wrong with a text, whatever it is about."""
    if re.search(r"\de[+-]?\d", text):
        yield "a power of ten"
    if re.search(r"\b(nan|inf|None)\b", text):
        yield "not a number"
    if "`" in text:
        yield "a backtick"
    if re.search(rf"(?<![\w.,−-])1 (\w+ )?({NOUNS})\b", text):
        yield "a plural for one"
    if re.search(r"(?<![\w)])-\d", text):
        yield "a hyphen for a minus"
    for number in re.findall(r"(\d[\d,]*(?:\.\d+)?)\s?%", text):
        digits = len(number.replace(",", "").replace(".", "").lstrip("0"))
        if digits > 2 and not (float(number.replace(",", "")) >= 99 and len(number) <= 4):
            yield f"{number}% has more than two significant digits"


def numbers(text):
    """Each number of a text, as it is and as a share, with the unit of its last digit."""
    for bound, sign, digits in NUMBER.findall(text):
        unit = 10.0 ** -len(digits.partition(".")[2])
        value = float(digits.replace(",", "")) * (-1 if sign else 1)
        slack = unit if bound else unit / 2
        yield from ((value, slack), (value / 100, slack / 100))


def stated(text, value, most=np.inf):
    """Whether a text states a value to its last digit, and within `most`."""
    return any(
        abs(number - value) <= min(slack * 1.01, most) + 1e-9 for number, slack in numbers(text)
    )


def contradictions(finding):
    """Where a sentence does not state its value, or states another interval."""
    half = (finding.high - finding.low) / 2 if finding.has_interval else 0.0
    none = finding.value == 0 and re.search(r"\b[Nn]o(ne)?\b", finding.sentence)
    near = max(0.051 * max(abs(finding.value), half), 1e-3)  # two significant digits
    if not stated(finding.sentence, finding.value, near) and not none:
        yield f"the value {finding.value:.6g} is not in it"
    first = re.search(r"\(([^() ]*\d[^() ]*) to ([^() ]*\d[^() ]*)\)", finding.sentence)
    if first and finding.has_interval:
        for text, end in zip(first.groups(), (finding.low, finding.high), strict=True):
            if not stated(text, end):
                yield f"'{text}' is not the end {end:.6g}"
    if first and not finding.has_interval:
        yield "an interval that it has not"


def faults(finding):
    """What is wrong with what a finding says."""
    sentence = finding.sentence
    yield from (*wrongs(sentence), *wrongs(finding.detail), *contradictions(finding))
    if len(sentence) >= 220:
        yield f"{len(sentence)} characters"
    if len(re.findall(r"[.!?](\s|$)", sentence)) > 2:
        yield "more than two sentences"


@each_part(DIAGNOSTICS)
@pytest.mark.parametrize(  # all parts of one space: they share what they compute
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n == "wide" else []) for n in SPACES],
)
def test_a_sentence_agrees_with_its_value_and_is_short_and_right(part, name):
    try:
        found = {f"{f.sentence} | {f.detail}": list(faults(f)) for f in part(SPACES[name])}
    except InputError as refused:
        found = {str(refused): list(wrongs(str(refused)))}
    assert not {text: wrong for text, wrong in found.items() if wrong}
