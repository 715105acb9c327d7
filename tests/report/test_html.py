"""The report as a file: complete, valid HTML, without network access, all texts escaped."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from markupsafe import escape

from core.cli import main
from core.errors import TooFew
from core.measure.compare import compare
from core.measure.diagnostics import DIAGNOSTICS
from core.report import evidence, html, svg
from core.report.evidence import Evidence
from core.report.html import Side
from core.report.subsets import narrow_space, pack_ids, rest_of_space, unpack_ids
from core.types.item import Item
from core.types.result import Curve, Finding, Reference
from core.types.space import Space
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl, ramp

VOID = {"meta", "br"}
NASTY = '<b>x</b> & "y"'


class Checked(HTMLParser):
    """Fails on a tag that is not closed in order; collects what would be loaded or run."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.loads = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [v for k, v in attrs if k in ("src", "href", "data", "action", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def space():
    """60 pairs with two labels, one of them with markup, as in the encoder's name."""
    rng = np.random.default_rng(3)
    images = rng.normal(size=(60, 12))
    rows = np.concatenate([images, images + 0.3 * rng.normal(size=(60, 12))]).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = tuple(((NASTY, "dog")[i % 2],) for i in range(60)) * 2
    ids = tuple(f"i{i:02}" for i in range(60)) + tuple(f"t{i:02}" for i in range(60))
    pairs = np.stack([np.arange(60), 60 + np.arange(60)], 1)
    return Space(rows, ids, 60, pairs, labels, encoder=NASTY)


def measured(space):
    found, lacks = [], {}
    for plugin in DIAGNOSTICS.all().values():
        try:
            found += plugin(space)
        except TooFew as lack:
            lacks[plugin.name] = str(lack)
    return tuple(found), lacks


@pytest.fixture(scope="module")
def found(space):
    return measured(space)


def test_the_report_has_every_sentence_all_advice_and_what_was_not_measured(space, found):
    findings, lacks = found
    text = html.html_page("birds", [Side("Everything", space, findings)], lacks)
    Checked(text)
    for finding in findings:
        assert escape(finding.sentence) in text
        assert escape(DIAGNOSTICS.get(finding.name).traits["advice"].what) in text
    for why in lacks.values():
        assert escape(why) in text
    assert text.count("<section") == len({f.name for f in findings})
    assert "NaN" not in text
    assert not re.search(r"\bnan\b", text)


def test_the_report_loads_and_runs_nothing(space, found):
    text = html.html_page("birds", [Side("Everything", space, found[0])])
    checked = Checked(text)
    assert checked.loads == []
    assert not {"script", "link", "img", "iframe", "object"} & set(checked.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"https?:", text.partition("<body>")[0])


def test_texts_of_the_user_are_escaped(space, found):
    text = html.html_page(NASTY, [Side(f"label = {NASTY}", space, found[0])], {"cone": NASTY})
    assert "<b>x</b>" not in text
    assert escape(NASTY) in text
    Checked(text)


def evidence_of(space, found, size=900):
    """Every item under a name with markup; thumbnails of `size` bytes."""
    ids = evidence.evidence_ids(space, found)
    items = {
        id_: Item("text", f"{NASTY} {id_}".encode(), id_, id=id_)
        if id_[0] == "t"
        else Item("image", b"", f"{NASTY} {id_}", id=id_)
        for id_ in ids
    }
    thumbnails = {id_: bytes(size) + id_.encode() for id_ in ids if id_[0] == "i"}
    return Evidence(items, thumbnails)


def test_thumbnails_are_in_the_file_once_and_names_are_escaped(space, found):
    per_item = [f for f in found[0] if f.per_item is not None]
    shown = evidence_of(space, found[0])
    assert 0 < len(evidence.evidence_ids(space, per_item[:1])) <= 10
    text = html.html_page("birds", [Side("Everything", space, found[0])], evidence=shown)
    checked = Checked(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(checked.tags)
    loads = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert all(re.match(r"#thumbnail\d+$|data:image/webp;base64,[\w+/=]+$", url) for url in loads)
    data = [url for url in loads if url.startswith("data:")]
    assert len(data) == len(set(data)) == len(shown.thumbnails)
    assert {url for url in loads if url[0] == "#"} == {f"#thumbnail{i}" for i in range(len(data))}
    drawn = re.findall(r'<svg viewBox="0 0 1 1" role="img" aria-label="[^"]+"><title>', text)
    assert len(drawn) == text.count("<use ") > len(data)
    assert "<b>x</b>" not in text
    for id_ in shown.items:
        assert escape(f"{NASTY} {id_}") in text
    assert f"{len(data)} thumbnails take" in text
    lists = re.findall(r'<ul class="items">.*?</ul>', text)
    assert len(lists) > len(per_item)
    assert max(entry.count("<li>") for entry in lists) == evidence.EACH


def test_thumbnails_beyond_the_size_limit_are_named(space, found):
    shown = evidence_of(space, found[0], size=evidence.BYTES // 4)
    text = html.html_page("birds", [Side("Everything", space, found[0])], evidence=shown)
    Checked(text)
    assert text.count("data:image/webp") == 3
    assert f"{len(shown.thumbnails) - 3} more did not fit and are named" in text
    assert len(text) < 2 * evidence.BYTES
    assert all(escape(f"{NASTY} {id_}") in text for id_ in shown.items)


def test_items_are_shown_once_and_unknown_items_not_at_all(space, found):
    assert evidence.evidence_ids(space, [finding(1, 1, 1)]) == []
    of = next(f for f in found[0] if f.per_item is not None)
    assert Evidence().extremes(space, of) == []
    values = np.full(space.n, np.nan, np.float32)
    values[:3] = 0.5
    few = replace(of, per_item=values)
    assert evidence.evidence_ids(space, [few]) == [
        "i02",
        "i01",
        "i00",
    ]  # shown once, not at both ends


def test_two_sides_are_compared(space, found):
    part = narrow_space(space, kind="image")
    sides = [Side("Everything", space, found[0]), Side("Images", part, measured(part)[0])]
    text = html.html_page("birds", sides)
    Checked(text)
    contrasts = compare(sides[0].findings, sides[1].findings)
    assert text.count("No difference shown") == sum(not c.differs for c in contrasts)
    assert "<b>A: Everything</b>" in text
    assert "<b>B: Images</b>" in text


def finding(value, low, high, name="cone"):
    return Finding("image", value, low, high, Reference(0, "x"), "A.", "exact", name, "good")


@pytest.mark.parametrize(
    ("low", "high", "differs"), [(3.1, 4, True), (3, 4, False), (0, 0.9, True), (1.5, 2, False)]
)
def test_numbers_differ_where_the_interval_of_their_difference_excludes_zero(low, high, differs):
    (contrast,) = compare([finding(2, 1, 3)], [finding(low, low, high)])
    assert contrast.differs == differs
    assert contrast.sentence.startswith("A is" if differs else "No difference shown")


def test_only_findings_of_both_are_compared():
    assert compare([finding(1, 1, 1)], [finding(1, 1, 1, "hubness")]) == ()


@pytest.mark.parametrize("log", [False, True])
def test_curves_stay_inside_their_frame(log):
    x = np.array([0.0, 1, 10, 1000, np.nan, 5000])
    line = Curve(x, x[::-1].copy(), "<x>", "y", log_x=log, log_y=log, mark=7.0)
    text = svg.curves([("a", line), ("b", line)])
    Checked(text)
    (points, _) = re.findall(r'points="([^"]+)"', text)
    for place in points.split():
        across, up = map(float, place.split(","))
        assert 0 <= across <= svg.WIDTH
        assert 0 <= up <= svg.HEIGHT
    assert "&lt;x&gt;" in text


def test_a_part_and_its_rest_are_the_whole(space):
    part = narrow_space(space, kind="text", ids=["t03", "i04", "t09", "gone"])
    assert part.ids == ("t03", "t09")
    other = rest_of_space(space, part)
    assert set(other.ids) | set(part.ids) == set(space.ids)
    assert other.n + part.n == space.n


def test_a_selection_fits_a_link_and_means_the_same_items_or_none(space):
    chosen = ("i01", "i30", "t59")
    text = pack_ids(space, chosen)
    assert unpack_ids(space, text) == chosen
    assert re.fullmatch(r"[\w.-]+", text)
    assert unpack_ids(narrow_space(space, kind="image"), text) is None
    for broken in ("", "x", text[:-4], text[:9] + "é", text + "A" * 9000):
        assert unpack_ids(space, broken) != chosen


def test_the_command_writes_the_report_beside_what_it_prints(tmp_path, home, capsys):
    rows = [{"image": f"{i}.png", "caption": f"thing {i}", "label": "ab"[i % 2]} for i in range(12)]
    files = {row["image"]: encoded(ramp(seed=i)) for i, row in enumerate(rows)}
    folder = folder_of(tmp_path / "x", {**files, "items.jsonl": jsonl(*rows)})
    Workbench(home).ingest("things", folder, encoder="toy")
    out = tmp_path / "out.html"
    command = ["diagnose", "things", "--only", "cone,uniformity", "--subset", "label = a"]
    assert main([*command, "--report", str(out)]) == 0
    printed = capsys.readouterr()
    assert "uniformity" in printed.out
    assert str(out) in printed.err
    text = out.read_text("utf-8")
    Checked(text)
    assert "label = a" in text
    assert text.count("<section") == 2
    assert text.count("data:image/webp;base64,UklGR") == 6  # images of label a, each once
    assert 'aria-label="0.png"' in text
    assert "<q>thing 0</q>" in text
    assert main([*command, "--report", str(tmp_path / "no" / "out.html")]) == 2
    assert "There is no folder" in capsys.readouterr().err
