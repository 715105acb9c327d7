"""The one door for the pages and the command line."""

from __future__ import annotations

from core.workbench.explain import Detailing
from core.workbench.ingest import Filling
from core.workbench.measure import Measuring
from core.workbench.probe import Probing
from core.workbench.zero_shot import Labelling


class Workbench(Filling, Detailing, Labelling, Measuring, Probing):
    """All collections of one home, and everything that can be done with them.

    One workbench serves all sessions of a server: spaces are read once and shared, and read again
    when any process has changed their collection.

    Args:
        home: a folder or a LanceDB URI; without one, $SEXTANT_HOME or ~/.sextant.
    """
