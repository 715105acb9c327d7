"""A collection as files for other programs, and such files as a collection again."""

from core.export.contents import Contents
from core.export.restore import is_export, restore
from core.export.write import FORMS, Exported, write

__all__ = ["FORMS", "Contents", "Exported", "is_export", "restore", "write"]
