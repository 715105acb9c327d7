"""The verbs: the one door for the pages and the command line."""

from core.workbench.collections import Card
from core.workbench.detailing import Detailing
from core.workbench.filling import DEFAULT_ENCODER, Filling
from core.workbench.labelling import Labelling
from core.workbench.measuring import Layout, Measuring
from core.workbench.probing import Probing

__all__ = ["DEFAULT_ENCODER", "Card", "Layout", "Workbench"]


class Workbench(Filling, Detailing, Labelling, Measuring, Probing):
    """All collections of one home, and everything that can be done with them.

    One workbench serves all sessions of a server: spaces are read once and shared, and read again
    when any process has changed their collection.

    Args:
        home: a folder or a LanceDB URI; without one, $SEXTANT_HOME or ~/.sextant.
    """
