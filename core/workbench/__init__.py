"""The verbs: the one door of pages, command line and API."""

from core.encoders import Suggestion as EncoderSuggestion
from core.ingest import FORMS, IMAGE_SUFFIXES, Preview, ReadOptions
from core.store import EncodedCollection, Tag
from core.workbench import catalog, documents, gates, tasks
from core.workbench.catalog import Entry
from core.workbench.collections import Card, Workbench
from core.workbench.compress import Lab
from core.workbench.depth import DepthGrid, depth_document
from core.workbench.encoder_report import EncoderReport
from core.workbench.evaluate import Labels
from core.workbench.export import SavedExport
from core.workbench.findings import Glance, StoredFindings
from core.workbench.ingest import DEFAULT_ENCODER
from core.workbench.jobs import Job
from core.workbench.lab_document import lab_document
from core.workbench.layouts import Layout
from core.workbench.protocol import BudgetRow, filter_words, protocol_document
from core.workbench.ranking_gains import RankingGain
from core.workbench.repair import Repaired
from core.workbench.selections import Special
from core.workbench.ways import Way

__all__ = [
    "DEFAULT_ENCODER",
    "FORMS",
    "IMAGE_SUFFIXES",
    "BudgetRow",
    "Card",
    "DepthGrid",
    "EncodedCollection",
    "EncoderReport",
    "EncoderSuggestion",
    "Entry",
    "Glance",
    "Job",
    "Lab",
    "Labels",
    "Layout",
    "Preview",
    "RankingGain",
    "ReadOptions",
    "Repaired",
    "SavedExport",
    "Special",
    "StoredFindings",
    "Tag",
    "Way",
    "Workbench",
    "catalog",
    "depth_document",
    "documents",
    "filter_words",
    "gates",
    "lab_document",
    "protocol_document",
    "tasks",
]
