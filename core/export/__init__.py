"""A collection as files for other programs, and such files as a collection again."""

from core.export.contents import Contents
from core.export.restore import FORM, first_items, is_export, restore
from core.export.write import FORMS, Exported, write

__all__ = ["FORM", "FORMS", "Contents", "Exported", "first_items", "is_export", "restore", "write"]
