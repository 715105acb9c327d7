"""What every test may ask for: a seeded generator, real images, a home that is thrown away."""

import os
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
settings.load_profile("untimed")
DATA = Path(
    os.environ.get("SEXTANT_TEST_DATA") or Path(__file__).parents[1].parent / "shared" / "data"
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure in the browser says what was on screen."""
    report = yield
    if report.failed and call.when == "call" and item.get_closest_marker("browser"):
        from tests.fixtures.browser import on_screen

        report.sections += on_screen(item.funcargs.values())
    return report


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240611)


@pytest.fixture(scope="session")
def data() -> Path:
    """Real images with captions; see its README for their terms."""
    if not (DATA / "flickr8k-800" / "items.jsonl").exists():
        pytest.skip(f"no real pictures at {DATA}; set SEXTANT_TEST_DATA to their folder")
    return DATA


@pytest.fixture(scope="session", autouse=True)
def installed_components():
    """Each AppTest reads the metadata of all installed packages, which takes half its time."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        once = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a home of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SEXTANT_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a filled and an empty collection, made once; see `tests.fixtures.screens`."""
    from tests.fixtures.screens import build

    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def filled(built: Path, home: Path) -> Path:
    """A copy of it, as this test's home."""
    shutil.copytree(built, home)
    return home
