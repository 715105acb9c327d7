"""One server for all journeys of a run, and tabs that must stay free of errors."""

import shutil
from pathlib import Path

import pytest

from tests.fixtures.browser import Tabs, chromium, served

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(scope="session")
def site(built, tmp_path_factory):
    """Address of a server on a copy of the home of `tests.fixtures.screens`."""
    home = tmp_path_factory.mktemp("site") / "home"
    shutil.copytree(built, home)
    with served(home, SEXTANT_ROOT=str(home)) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """Module-wide, not session-wide: its event loop would be in the way of other tests."""
    with chromium() as one:
        yield one


@pytest.fixture
def visit(browser, site):
    """Open links in fresh tabs: `page = visit("map?collection=colours", width=390)`.

    After the test no tab may have had an error in its console or a response of 400 and above.
    """
    tabs = Tabs(browser, site)
    yield tabs
    tabs.close()
    assert not tabs.faults, "\n".join(tabs.faults)
