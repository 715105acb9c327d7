"""The command line: exit codes, JSON alone on standard output, sentences on standard error."""

import json
import re
import subprocess
import sys

import pytest

from core.cli import main
from core.workbench import Workbench
from tests.fixtures.files import (
    encoded,
    folder_of,
    half,
    jsonl,
    png,
    png_bomb,
    ramp,
    write_vectors,
    zip_of,
)


@pytest.fixture
def sextant(capsys):
    """Run a command; gives exit code, its JSON (or text) and what it said on standard error."""

    def run(*arguments):
        code = main([str(a) for a in arguments])
        said = capsys.readouterr()
        document = json.loads(said.out) if "--json" in arguments and code == 0 else said.out
        return code, document, said.err

    return run


@pytest.fixture
def pets(tmp_path, sextant):
    """A collection of 30 pictures with captions, labels and a number each."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    words = ["red", "green", "blue"]
    files, rows = {}, []
    for i in range(30):
        image = ramp(seed=i)
        image.paste(colours[i % 3], (0, 0, 40, 32 - i // 3))
        files[f"{i}.png"] = encoded(image)
        caption = f"a {words[i % 3]} thing, number {i}"
        rows.append({"image": f"{i}.png", "caption": caption, "label": words[i % 3], "n": i})
    folder = folder_of(tmp_path / "pets", {**files, "items.jsonl": jsonl(*rows)})
    code, report, _ = sextant("ingest", folder, "-c", "pets", "--encoder", "toy", "--json")
    assert code == 0
    assert report["added"] == {"image": 30, "text": 30}
    assert report["encoded"] == 60
    return folder


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from core.cli import main; main([]); print([m for m in ('numpy', 'lancedb', "
    )
    code += "'torch', 'streamlit') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ingest" in done.stdout
    assert done.stdout.rstrip().endswith("[]")


def test_a_dry_run_shows_what_an_ingest_reads_and_stores_nothing(pets, sextant, tmp_path):
    table = folder_of(tmp_path / "t", {"t.csv": "text,note\na,one\nb,two\n"}) / "t.csv"
    how = ("--caption-column", "note", "--form", "csv", "--separator", ",")
    code, shown, said = sextant("ingest", table, "-c", "notes", "--dry-run", *how)
    assert (code, "'one'; text a" in shown) == (0, True)
    assert "form      csv" in said and "note (caption)" in said and "Nothing was stored." in said
    _, document, _ = sextant("ingest", table, "--dry-run", *how, "--json")
    assert [row["captions"] for row in document["rows"]] == [["one"], ["two"]]
    assert Workbench().names() == ("pets",)
    code, _, said = sextant("ingest", table)
    assert (code, "-c NAME" in said) == (2, True)
    code, report, _ = sextant("ingest", table, "-c", "notes", "--encoder", "toy", *how, "--json")
    assert (code, report["form"], report["added"]) == (0, "csv", {"image": 0, "text": 2})


def test_coming_again_lists_what_is_gone_and_prune_deletes_it(pets, sextant):
    (pets / "3.png").unlink()
    code, shown, said = sextant("ingest", pets, "-c", "pets", "--encoder", "toy")
    assert (code, "58 unchanged, 1 gone or changed" in shown) == (0, True)
    assert "gone      3.png" in said and "--prune" in said
    code, report, _ = sextant("ingest", pets, "-c", "pets", "--prune", "--json")
    assert (code, report["gone"], report["pruned"]) == (0, ["3.png"], 2)


def test_nothing_added_is_an_error_that_leaves_no_collection(sextant, tmp_path):
    folder = folder_of(tmp_path / "in", {"notes.docx": "x", "table.csv": "a,b\n1,2\n"})
    for path in (folder, folder / "notes.docx", folder / "table.csv"):
        code, _, said = sextant("ingest", path, "-c", "notes", "--encoder", "toy")
        assert (code, Workbench().names()) == (2, ())
        assert len(said.strip().splitlines()) == 1, said


def test_encoding_with_a_further_encoder_and_again(pets, sextant):
    code, report, _ = sextant("encode", "pets", "--encoder", "toy", "--json")
    assert (code, report["encoded"]) == (0, 0)
    code, _, told = sextant("encode", "pets")
    assert (code, "there is nothing to encode again" in told) == (2, True)


def test_search_by_text(pets, sextant):
    code, found, _ = sextant("search", "pets", "something red", "-k", 5, "--json")
    assert code == 0
    assert [h["rank"] for h in found["hits"]] == [1, 2, 3, 4, 5]
    assert set(found["hits"][0]) >= {"rank", "id", "kind", "name", "score", "cosine", "p_null"}
    assert all(int(h["name"].removesuffix(".png")) % 3 == 0 for h in found["hits"])


def test_search_by_picture_finds_the_picture(pets, sextant):
    _, found, _ = sextant("search", "pets", "--image", pets / "7.png", "--json")
    assert found["hits"][0]["name"] == "7.png"
    assert found["hits"][0]["cosine"] == pytest.approx(1, abs=1e-5)
    _, texts, _ = sextant("search", "pets", "--image", pets / "7.png", "--find", "text", "--json")
    assert texts["hits"][0]["kind"] == "text"
    assert "green" in texts["hits"][0]["name"]


def test_search_where_keeps_to_what_passes_however_narrow(pets, sextant):
    where = "label = blue and n between 20 and 29"
    _, found, _ = sextant("search", "pets", "something red", "--where", where, "--json")
    assert {h["name"] for h in found["hits"]} == {"20.png", "23.png", "26.png", "29.png"}
    assert found["n_candidates"] == 4
    code, _, told = sextant("search", "pets", "red", "--where", "colour = blue")
    assert (code, "No field is called 'colour'" in told) == (2, True)


def test_diagnose_a_subset_takes_the_captions_along(pets, sextant):
    _, report, _ = sextant("diagnose", "pets", "--subset", "label = red", "--json")
    assert report["n"] == 20
    assert any(f["scope"] == "pairs" for f in report["findings"])


def test_evaluate_has_both_directions_with_intervals(pets, sextant):
    code, scores, _ = sextant("evaluate", "pets", "--json")
    assert code == 0
    for way in ("text_to_image", "image_to_text"):
        assert scores[way]["n_queries"] == 30
        for name in ("recall@1", "recall@5", "recall@10"):
            score = scores[way][name]
            assert 0 <= score["low"] <= score["value"] <= score["high"] <= 1
        assert scores[way]["median_rank"]["value"] >= 1


def test_diagnose_prints_findings(pets, sextant):
    code, report, told = sextant("diagnose", "pets", "--json")
    assert code == 0
    assert "measuring hubness" in told
    assert (report["encoder"], report["n"]) == ("toy", 60)
    for finding in report["findings"]:
        assert finding["scope"] in ("image", "text", "joint", "pairs")
        assert finding["verdict"] in ("good", "watch", "bad", "unknown")
        if finding["low"] is not None:  # too few items for an interval
            assert finding["low"] <= finding["value"] <= finding["high"]
        assert finding["sentence"].endswith(".")
    assert {f["name"] for f in report["findings"]} >= {
        "alignment",
        "uniformity",
        "modality_gap",
        "mean_cosine",
        "effective_rank",
        "hubness",
    }
    _, only, _ = sextant("diagnose", "pets", "--only", "alignment,hubness", "--json")
    assert {f["name"] for f in only["findings"]} == {"alignment", "hubness"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["search", "nothing", "x"], "No collection is called 'nothing'"),
        (["search", "pets", "x", "--encoder", "other"], "other"),
        (["search", "pets"], "Give a QUERY or --image FILE"),
        (["search", "pets", "   "], "Give a QUERY or --image FILE"),
        (["search", "pets", "--image", "missing.png"], "missing.png cannot be read"),
        (["diagnose", "pets", "--only", "hubnes"], "Did you mean 'hubness'?"),
        (["ingest", "/nowhere/at/all", "-c", "pets"], "/nowhere/at/all"),
        (["ingest", ".", "-c", "a/b", "--encoder", "toy"], "The collection's name is 'a/b'"),
        (["ingest", ".", "-c", "pets", "--encoder", "no-such"], "No encoder is called 'no-such'"),
    ],
)
def test_refused_input_is_one_sentence_and_exit_code_2(pets, sextant, arguments, sentence):
    code, out, told = sextant(*arguments)
    assert code == 2
    assert out == ""
    assert sentence in told
    assert "Traceback" not in told


def test_bad_files_are_refused_by_name_and_the_rest_goes_in(tmp_path, sextant):
    rows = [
        {"image": "good.png", "captions": ["<script>alert(1)</script>", "<b>bold</b>", ""]},
        {"image": "gone.png", "caption": "nobody"},
        '{"image": "good.png", ',
        {"image": "<img src=x onerror=alert(1)>.png", "caption": "é 🦊" + "x" * 9_997},
        {"image": "half.jpg", "caption": "half"},
        {"image": "bomb.png", "caption": "boom"},
        {"image": "zero.png", "caption": "nothing"},
        {"image": "words.png", "caption": "words"},
    ]
    files = {
        "good.png": png(1),
        "<img src=x onerror=alert(1)>.png": png(2),
        "half.jpg": half(encoded(ramp(400, 300), "JPEG")),
        "bomb.png": png_bomb(),
        "zero.png": b"",
        "words.png": "only words",
        "items.jsonl": jsonl(*rows),
    }
    folder = folder_of(tmp_path / "in", files)
    code, report, _ = sextant("ingest", folder, "-c", "odd", "--encoder", "toy", "--json")
    assert code == 0
    assert report["added"] == {"image": 2, "text": 3}
    reasons = {r["name"]: r["reason"] for r in report["refused"]}
    assert {"gone.png", "half.jpg", "bomb.png", "zero.png", "words.png"} <= set(reasons)
    assert "30000 x 30000" in reasons["bomb.png"].replace(",", "")
    assert any("line 3" in name for name in reasons)
    _, found, _ = sextant("search", "odd", "red", "--find", "text", "--json")
    assert "<script>alert(1)</script>" in {h["name"] for h in found["hits"]}


def test_zips_that_lead_out_or_blow_up(tmp_path, sextant):
    members = {
        "a.png": png(1),
        "../evil.png": png(2),
        "/abs.png": png(3),
        "huge.bmp": bytes(1 << 24),
    }
    path = zip_of(tmp_path / "in.zip", members)
    code, report, _ = sextant("ingest", path, "-c", "zip", "--encoder", "toy", "--json")
    assert code == 0
    assert report["added"]["image"] == 1
    assert len(report["refused"]) == 3
    assert not (tmp_path / "evil.png").exists()


def test_a_picture_in_the_folder_and_in_the_zip_is_there_once(tmp_path, sextant):
    folder = folder_of(tmp_path / "in", {"a.png": png(1), "b.png": png(2)})
    path = zip_of(tmp_path / "in.zip", {"same.png": png(1), "c.png": png(3)})
    sextant("ingest", folder, "-c", "both", "--encoder", "toy")
    _, report, _ = sextant("ingest", path, "-c", "both", "--encoder", "toy", "--json")
    assert (report["added"]["image"], report["repeated"]) == (1, ["same.png"])


def test_brought_vectors_search_by_text_when_the_encoder_is_at_hand(tmp_path, sextant):
    write_vectors(tmp_path / "v.parquet")
    code, report, _ = sextant(
        "ingest", tmp_path / "v.parquet", "-c", "mine", "--encoder", "toy", "--json"
    )
    assert code == 0
    assert report["added"] == {"image": 40, "text": 40}
    assert any("normalized" in note for note in report["notes"])
    assert sextant("search", "mine", "red", "--json")[0] == 0
    assert sextant("evaluate", "mine", "--json")[1]["text_to_image"]["n_queries"] == 40


def test_brought_vectors_without_their_encoder_say_why_text_search_is_off(tmp_path, sextant):
    write_vectors(tmp_path / "v.parquet")
    sextant("ingest", tmp_path / "v.parquet", "-c", "mine", "--encoder", "my-own-model")
    code, _, told = sextant("search", "mine", "red")
    assert code == 2
    assert "my-own-model" in told
    assert "Searching by item" in told
    write_vectors(tmp_path / "w.parquet", d=5)
    sextant("ingest", tmp_path / "w.parquet", "-c", "short", "--encoder", "toy")
    code, _, told = sextant("search", "short", "red")
    assert code == 2
    assert "8 dimensions where the vectors have 5" in told


def test_an_empty_collection_answers_with_sentences(tmp_path, sextant):
    folder = folder_of(tmp_path / "in", {"words.png": "no picture"})
    code, _, message = sextant("ingest", folder, "-c", "empty", "--encoder", "toy", "--json")
    assert (code, "nothing in it can be read (words.png: " in message) == (2, True)
    assert Workbench().names() == ()
    Workbench().home.ensure("empty")
    for command in (["search", "empty", "x"], ["evaluate", "empty"], ["diagnose", "empty"]):
        code, _, told = sextant(*command)
        assert code == 2, command
        assert told
        assert "Traceback" not in told


def test_hub_corrections_and_rerankers_by_name(pets, sextant):
    _, plain, _ = sextant("search", "pets", "something red", "-k", 30, "--json")
    assert all(h["bias"] == 0 and h["plain_rank"] <= h["rank"] for h in plain["hits"])
    assert "changes" not in plain
    _, found, _ = sextant(
        "search", "pets", "something red", "-k", 5, "--hub-correction", "dn", "--json"
    )
    for hit in found["hits"]:
        assert hit["score"] == pytest.approx(hit["cosine"] - hit["bias"], abs=1e-6)
    ranks = {h["id"]: h["rank"] for h in plain["hits"]}
    shown = [h["id"] for h in found["hits"]]
    assert {h["id"] for h in found["left"]} == {i for i, rank in ranks.items() if rank <= 5} - {
        *shown
    }
    assert f"{len(found['left'])} of 5 hits" in found["changes"]
    _, again, _ = sextant("search", "pets", "red", "-k", 5, "--rerank", "super_global", "--json")
    assert again["hits"][0]["bias"] == 0
    assert "changes" in again
    _, lines, _ = sextant("search", "pets", "red", "--rerank", "k_reciprocal")
    assert "10 hits" in lines
    code, _, told = sextant("search", "pets", "red", "--hub-correction", "nmn")
    assert (code, "No hubness correction is called 'nmn'. Did you mean 'nnn'?" in told) == (2, True)
    code, _, told = sextant("search", "pets", "red", "--rerank", "super-global")
    assert (code, "No reranker is called 'super-global'. Did you mean" in told) == (2, True)


def test_evaluate_learns_a_hub_correction_from_what_it_does_not_judge(pets, sextant):
    code, scores, _ = sextant("evaluate", "pets", "--hub-correction", "csls", "--json")
    assert code == 0
    assert scores["text_to_image"]["n_queries"] == 15
    assert "15 pairs, among 30 images and 30 texts" in scores["sentence"]
    assert "15 of 30 images and 15 of 30 texts" in scores["sentence"]
    gains = re.findall(r"[+−]\d+\.\d points \([+−]\d+\.\d to [+−]\d+\.\d\)", scores["sentence"])
    assert len(gains) == 2 and any("−" in gain for gain in gains)
    code, _, told = sextant("evaluate", "pets", "--hub-correction", "hubs")
    assert (code, "No hubness correction is called 'hubs'" in told) == (2, True)


def test_a_test_split_is_never_learnt_from(tmp_path, sextant):
    files, rows = {}, []
    for i in range(20):
        files[f"{i}.png"] = encoded(ramp(seed=i))
        split = "test" if i < 6 else "train"
        rows.append({"image": f"{i}.png", "caption": f"thing {i}", "split": split})
    folder = folder_of(tmp_path / "split", {**files, "items.jsonl": jsonl(*rows)})
    sextant("ingest", folder, "-c", "split", "--encoder", "toy", "--json")
    _, scores, _ = sextant("evaluate", "split", "--hub-correction", "nnn", "--json")
    assert "6 pairs" in scores["sentence"]
    assert "fitted on 14 of 20 images and 14 of 20 texts" in scores["sentence"]
