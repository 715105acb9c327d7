"""`python -m tests.bench`: every benchmark is listed, and an unknown name lists them."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.bench.__main__ import NAMES, main


def test_every_benchmark_is_listed():
    folder = Path(__file__).parent
    modules = [*folder.glob("*.py"), *folder.glob("*/__init__.py")]
    with_run = {
        path.parent.name if path.name == "__init__.py" else path.stem
        for path in modules
        if "\ndef run(" in path.read_text("utf-8")
    }
    assert with_run == set(NAMES)
    assert all(find_spec(f"tests.bench.{name}") for name in NAMES)


@pytest.mark.parametrize("arguments", [["nothing"], []])
def test_an_unknown_name_lists_all(arguments, capsys):
    assert main(arguments) == 2
    listed = capsys.readouterr().err
    assert all(name in listed for name in NAMES)
