import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import core
from core.registry import Registry
from core.workbench import catalog

ROOT = Path(__file__).parents[2]


def test_every_registry_of_core_is_in_the_catalog():
    packages = [m.name for m in iter_modules(core.__path__) if m.ispkg]
    found = [
        value
        for name in packages
        for value in vars(import_module(f"core.{name}")).values()
        if isinstance(value, Registry)
    ]
    assert {r.package for r in found} == {r.package for r in catalog.REGISTRIES}


def test_every_part_is_an_entry_with_a_summary_and_a_source():
    entries = catalog.entries()
    parts = {(r.what, name) for r in catalog.REGISTRIES for name in r.all()}
    assert {(e.kind, e.name) for e in entries} == parts
    assert all(e.summary and e.source and e.family for e in entries)


def test_families_come_in_reading_order_and_strangers_last():
    assert sorted(["Zoo", "Collapse", "Pairs", "Art"], key=catalog.family_rank) == [
        "Pairs",
        "Collapse",
        "Art",
        "Zoo",
    ]


def test_the_table_names_and_counts_every_part():
    rows = [row.strip("| ").split(" | ") for row in catalog.table().splitlines()[2:]]
    assert sum(int(count) for _, _, count, _ in rows) == len(catalog.entries())
    named = [name.strip("`") for *_, names in rows for name in names.split(", ")]
    assert sorted(named) == sorted(e.name for e in catalog.entries())


def test_an_outdated_table_is_reported_and_writing_updates_it(tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text(f"# Us\n{catalog.START}\nold\n{catalog.END}\nAfter.\n")
    assert catalog.main(["--check", str(readme)]) == 1
    assert "README.md is out of date" in capsys.readouterr().err
    assert catalog.main(["--write", str(readme)]) == 0
    assert catalog.main(["--check", str(readme)]) == 0
    assert readme.read_text().startswith("# Us\n") and readme.read_text().endswith("\nAfter.\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no markers", "README.md: it has no lines '<!-- catalog: start -->'"),
        (None, "README.md: there is no such file."),
    ],
)
def test_a_file_without_a_place_for_the_table_is_refused(tmp_path, capsys, text, sentence):
    readme = tmp_path / "README.md"
    if text is not None:
        readme.write_text(text)
    assert catalog.main(["--check", str(readme)]) == 2
    assert sentence in capsys.readouterr().err


def test_the_readme_is_fresh():
    done = subprocess.run(
        [sys.executable, "-m", "core.workbench.catalog", "--check", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
