"""`sextant diagnose` on two sides: two parts, a part and the rest, or two encoders.

One encoder puts texts beside their pictures, the other parts the kinds and mixes up the pairs.
"""

import json

import numpy as np
import pytest

from core.cli import main
from core.workbench import Workbench
from tests.fixtures.files import vectors_file
from tests.fixtures.spaces import directions

N, D = 60, 12
ONLY = ("--only", "alignment,modality_gap")


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A home with one collection that two encoders have encoded; the tests only read it."""
    folder = tmp_path_factory.mktemp("comparing")
    x, aside = directions(N, D), 2 * np.eye(D)[0]
    vectors_file(folder / "near.parquet", x, x + 0.3 * directions(N, D, 1))
    vectors_file(folder / "apart.parquet", x + aside, np.roll(x, 1, axis=0) - aside)
    for encoder in ("near", "apart"):
        Workbench(folder / "home").ingest("mine", folder / f"{encoder}.parquet", encoder=encoder)
    return folder / "home"


@pytest.fixture
def diagnose(filled, capsys):
    """Run `sextant diagnose mine ...`; gives exit code, JSON or text, and standard error."""

    def run(*arguments):
        try:
            code = main(["diagnose", "mine", "--home", str(filled), *map(str, arguments)])
        except SystemExit as stopped:  # argparse
            code = stopped.code
        said = capsys.readouterr()
        document = json.loads(said.out) if "--json" in arguments and code == 0 else said.out
        return code, document, said.err

    return run


def test_two_encoders_of_the_same_items(diagnose):
    code, found, told = diagnose(*ONLY, "--versus-encoder", "apart", "--json")
    assert code == 0
    assert [(found[s]["part"], found[s]["encoder"], found[s]["n"]) for s in "ab"] == [
        ("Everything, near", "near", 120),
        ("Everything, apart", "apart", 120),
    ]
    assert [c["name"] for c in found["comparison"]] == ["alignment", "modality_gap"]
    assert all(c["differs"] and c["low"] * c["high"] > 0 for c in found["comparison"])
    near, apart = (found[s]["findings"][1]["value"] for s in "ab")
    assert near < 0.5 < apart
    assert told.count("measuring alignment") == 2


def test_a_part_and_the_rest_share_no_item(diagnose):
    subset = ("--subset", "label = cat")
    _, found, _ = diagnose(*ONLY, *subset, "--versus-subset", "rest", "--json")
    assert [(found[s]["part"], found[s]["n"]) for s in "ab"] == [
        ("label = cat", 40),
        ("The rest", 40),  # of 80: the same number on both sides
    ]
    _, other, _ = diagnose(*ONLY, *subset, "--versus-subset", "label in (dog, cow)", "--json")
    assert other["b"]["findings"] == found["b"]["findings"]
    assert not any(c["differs"] for c in other["comparison"])


def test_the_table_marks_what_differs_and_what_one_side_lacks(diagnose):
    code, out, _ = diagnose("--only", "modality_gap", "--versus-encoder", "apart")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "A  Everything, near: 120 items, encoded with near"
    assert lines[2].startswith("differs  modality_gap")
    assert lines[3].strip().startswith("A is")
    _, same, _ = diagnose(
        "--only", "modality_gap", "--subset", "label = cat", "--versus-subset", "label != cat"
    )
    assert same.splitlines()[2].startswith("         modality_gap")
    _, uneven, _ = diagnose("--subset", "label = cat", "--versus-subset", "kind = text")
    assert "only A   alignment" in uneven
    _, apart, _ = diagnose("--subset", "kind = image", "--versus-subset", "kind = text")
    assert "only A   cone                     image" in apart
    assert "only B   cone                     text" in apart


def test_the_report_has_both_sides(diagnose, tmp_path):
    out = tmp_path / "two.html"
    code, _, _ = diagnose(
        *ONLY, "--subset", "label = cat", "--versus-encoder", "apart", "--report", out
    )
    assert code == 0
    text = out.read_text("utf-8")
    assert "<b>A: label = cat, near</b>" in text
    assert "<b>B: label = cat, apart</b>" in text
    assert text.count("below B.") + text.count("above B.") == 2
    assert "<q>text 0</q>" in text  # brought vectors have no pictures; their texts are shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--versus-encoder", "other"], "other"),
        (["--versus-encoder", "near"], "Both sides are encoded with 'near'. This collection has"),
        (["--versus-subset", "rest"], "Without --subset there is no rest"),
        (["--versus-subset", "label = horse"], "'label = horse' has no items"),
        (["--subset", "label = horse", "--versus-encoder", "apart"], "has no items"),
        (["--versus-subset", "colour = red"], "No field is called 'colour'"),
        (["--versus-subset", "label = cat", "--only", "invariance"], "--versus-subset out"),
        (["--versus-subset", "label = cat", "--versus-encoder", "apart"], "not allowed with"),
        (["--recipe", "none"], "No recipe is called 'none'"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(diagnose, arguments, sentence):
    code, out, told = diagnose(*arguments, "--json")
    assert (code, out) == (2, "")
    assert sentence in told
