"""`sextant search` with formulas, many queries at once, and whatever a person may type."""

import io
import json
import re
import sys
from itertools import pairwise

import pytest

from core.cli import main
from core.types.item import digest
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl, ramp


@pytest.fixture
def ask(tmp_path, capsys, monkeypatch):
    """Run `sextant search pets` on 30 coloured pictures; gives code, JSON and standard error."""
    _fill(tmp_path / "pets")
    Workbench().ingest("pets", tmp_path / "pets", encoder="toy")

    def run(*arguments, said=None):
        if said is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(said)))
        code = main(["search", "pets", *map(str, arguments), "--json"])
        out = capsys.readouterr()
        found = json.loads(out.out) if code == 0 else out.out
        for document in found if isinstance(found, list) else [found] if code == 0 else []:
            assert document.pop("command").startswith("sextant search pets ")
        return code, found, out.err

    return run


def _fill(folder):
    colours = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
    files, rows = {}, []
    for i in range(30):
        word = list(colours)[i % 3]
        image = ramp(seed=i)
        image.paste(colours[word], (0, 0, 40, 32 - i // 3))
        files[f"{word}{i}.png"] = encoded(image)
        rows.append({"image": f"{word}{i}.png", "caption": f"a {word} thing, number {i}"})
    folder_of(folder, {**files, "items.jsonl": jsonl(*rows)})


def colour_of(name):
    return re.sub(r"\d+\.png", "", name)


def colours_of(answer, k=10):
    return [colour_of(hit["name"]) for hit in answer["hits"][:k]]


def test_a_formula_adds_and_takes_off(ask):
    _, both, _ = ask('"red" + "blue"')
    assert set(colours_of(both)) == {"red", "blue"}
    _, against, _ = ask('"red" + "blue" - "red"', "--mix", "sum")
    assert set(colours_of(against)) == {"blue"}


def test_a_hit_has_its_text_and_the_path_of_its_image(ask, tmp_path):
    _, images, _ = ask('"red"')
    hit = images["hits"][0]
    assert hit["text"] == f"a red thing, number {hit['name'].removeprefix('red')[:-4]}"
    assert hit["path"] == str(tmp_path / "pets" / hit["name"])
    _, texts, _ = ask('"red"', "--find", "text")
    assert "red" in texts["hits"][0]["text"]
    assert texts["hits"][0]["path"] is None


def test_an_item_is_named_by_the_start_of_its_id_and_is_no_answer(ask):
    _, plain, _ = ask("red")
    first = plain["hits"][0]["id"]
    _, like, _ = ask(f"img:{first[:12]} + 0.1*'blue'", "-k", 30)
    assert first not in [hit["id"] for hit in like["hits"]]
    assert len(like["hits"]) == 29
    code, _, told = ask("img:zz")
    assert (code, "No image has an id that starts with 'zz'" in told) == (2, True)
    ids = sorted(hit["id"] for hit in ask("red", "-k", 30)[1]["hits"])
    shared = next(a[:1] for a, b in pairwise(ids) if a[0] == b[0])
    code, _, told = ask(f"img:{shared}")
    assert (code, f"More than one item has an id that starts with '{shared}'" in told) == (2, True)


def test_a_text_that_asks_with_others_is_not_its_own_answer(ask):
    text = "a red thing, number 3"
    same = digest("text", text.encode())
    _, alone, _ = ask(text, "--find", "text")
    assert alone["hits"][0]["id"] == same
    _, several, _ = ask(f'"{text}" + "red" - "blue"', "--find", "text", "-k", 30)
    assert same not in [hit["id"] for hit in several["hits"]]


def test_a_picture_of_ones_own_and_words(ask, tmp_path):
    red = tmp_path / "pets" / "red0.png"
    _, found, _ = ask(f'file:"{red}" - "red" + "green"')
    assert found["hits"][0]["name"].startswith("green")
    _, same, _ = ask('"green" - "red"', "--image", red)
    assert {hit["id"] for hit in same["hits"]} == {hit["id"] for hit in found["hits"]}
    code, _, told = ask("file:nowhere.png")
    assert (code, "nowhere.png cannot be read" in told) == (2, True)


def test_many_queries_are_answered_in_their_order(ask, tmp_path):
    file = tmp_path / "queries.txt"
    file.write_bytes('a green thing\r\n"red"\n🐕 <b>&amp; blue\n'.encode("utf-8-sig"))
    code, found, _ = ask("--queries", file, "-k", 3)
    assert code == 0
    assert [f["query"] for f in found] == ["a green thing", '"red"', "🐕 <b>&amp; blue"]
    assert [colours_of(f)[0] for f in found] == ["green", "red", "blue"]
    alone = [ask(f["query"], "-k", 3)[1]["hits"] for f in found]
    assert [f["hits"] for f in found] == alone
    _, piped, _ = ask("--queries", "-", "-k", 3, said=file.read_bytes())
    assert piped == found


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (b"red\n\nblue\n", "Line 2 of -: The query is empty"),
        (b'red\n"a" "b"\n', "Line 2 of -: Expected + or - at character 5"),
        (b"item:nothing", "Line 1 of -: No item has an id that starts with 'nothing'"),
        (b"\xff\xfe", "- is not UTF-8 text: byte 1."),
        (b"", "- holds no query"),
    ],
)
def test_one_bad_line_refuses_the_run_before_anything_is_searched(ask, lines, sentence):
    code, out, told = ask("--queries", "-", said=lines)
    assert (code, out) == (2, "")
    assert sentence in told


@pytest.mark.parametrize(
    "text",
    [
        "🐕" * 3,
        "<script>alert(1)</script>",
        "x " * 5000,
        "a" * 10_000,
        "-5",
        "\u202egnp",
        "' OR 1=1",
    ],
)
def test_whatever_is_typed_is_answered(ask, text):
    code, found, _ = ask(text, "-k", 2)
    assert code == 0
    assert len(found["hits"]) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Give a QUERY or --image FILE."),
        (("   ",), "Give a QUERY or --image FILE."),
        (("red", "--queries", "-"), "and not both"),
        (('- "red"',), "at least one part that is not subtracted"),
        (('"red" - "red"', "--mix", "sum"), "cancel each other out"),
        (('101*"red"',), "weight is 101.0; allowed: -100 to 100 without 0."),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(ask, arguments, sentence):
    code, out, told = ask(*arguments)
    assert (code, out) == (2, "")
    assert sentence in told


def test_templates_are_for_short_texts_and_pictures(ask):
    assert ask("red", "--template", "ensemble")[1] != ask("red")[1]
    long = "a red thing that lies about"
    assert ask(long, "--template", "ensemble")[1] == ask(long)[1]
    texts = ("--find", "text")
    assert ask("red", "--template", "photo", *texts)[1] == ask("red", *texts)[1]


def test_labels_are_swapped_in_words_and_scored(ask, tmp_path, capsys):
    sizes = ("small", "large")
    rows = [
        {"image": path.name, "labels": [colour_of(path.name), sizes[i % 2]]}
        for i, path in enumerate(sorted((tmp_path / "pets").glob("*.png")))
    ]
    (tmp_path / "pets" / "items.jsonl").write_text(jsonl(*rows), "utf-8")
    Workbench().ingest("sized", tmp_path / "pets", encoder="toy")
    capsys.readouterr()
    assert main(["evaluate", "sized", "--analogies", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    score = found["scores"]["success"]
    assert 0 <= score["low"] <= score["value"] <= score["high"] <= 1
    assert 0 < score["chance"] < 0.5
    assert [step["strength"] for step in found["sweep"]][:3] == [0, 0.25, 0.5]
    assert main(["evaluate", "pets", "--analogies"]) == 2
    assert "there are none" in capsys.readouterr().err


def test_the_query_may_stand_behind_options(ask):
    assert ask("-k", 3, "red") == ask("red", "-k", 3)


def test_more_than_one_query_is_refused(capsys):
    with pytest.raises(SystemExit) as refused:
        main(["search", "pets", "red", "--json", "blue"])
    assert refused.value.code == 2
    assert "unrecognized arguments: blue" in capsys.readouterr().err
