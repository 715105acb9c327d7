"""`sextant export` and `undo`."""

import json

import pytest

from core.cli import main
from core.export import FORMS
from core.workbench import Workbench


@pytest.fixture
def run(filled, tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; gives code, output and messages."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*arguments):
        try:
            code = main(list(arguments))
        except SystemExit as error:
            code = error.code
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_written_under_the_collections_name_and_read_again(run, form):
    code, out, _ = run("export", "colours", "--to", form, "--json")
    document = json.loads(out)
    assert (code, document["exported"]) == (0, {"image": 32, "text": 33})
    assert document["files"][0] == f"colours{FORMS[form].SUFFIX}"
    assert run("ingest", document["files"][0], "-c", "again")[0] == 0
    bench = Workbench()
    assert bench.open("again").space.key == bench.open("colours").space.key


def test_a_selection_is_a_tag_and_goes_with_a_filter_and_a_query(run):
    bench = Workbench()
    ids = bench.open("colours").space.ids[:4]
    bench.tag("colours", "mine", [(id_,) for id_ in ids])
    select = ("export", "colours", "--to", "jsonl", "--selection", "mine", "--json")
    exported = json.loads(run(*select)[1])["exported"]
    assert exported["image"] == 4
    found = run(
        *select, "--query", "red", "-k", "2", "--where", "size between 0 and 99", "--out", "b.jsonl"
    )
    assert found[0] == 0, found
    assert json.loads(found[1])["exported"] == {"image": 2, "text": 0}


@pytest.mark.parametrize(
    "wrong",
    [
        ("--to", "csv", "--selection", "no such"),
        ("--to", "csv", "-k", "3"),
        ("--to", "csv", "--query", "red", "-k", "0"),
        ("--to", "csv", "--find", "text"),
        ("--to", "csv", "--out", "a.txt"),
        ("--to", "csv", "--out", "/proc/x/a.csv"),
        ("--to", "csv", "--where", "size between 900 and 1000"),
        ("--to", "xls"),
        ("--to", "csv", "--encoder", "no such"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(run, tmp_path, wrong):
    code, out, messages = run("export", "colours", *wrong)
    assert (code, out) == (2, "") and "Traceback" not in messages
    assert not list((tmp_path / "here").iterdir())


def test_the_last_edit_is_undone_and_deletions_are_forgotten(run):
    bench = Workbench()
    id_ = bench.open("colours").space.ids[0]
    bench.delete_items("colours", [id_])
    assert run("undo", "colours") == (0, "colours: undone: 1 item deleted.\n", "")
    assert id_ in bench.open("colours").space.ids
    assert run("undo", "colours")[0] == 2
    bench.delete_items("colours", [id_])
    assert json.loads(run("undo", "colours", "--deletions", "--json")[1])["allowed"] == 1
