"""Constraints that hold the dependencies of a pyproject.toml to the lowest versions it declares.

LOWEST_EXCEPT names packages, with spaces between, that stay free.
"""

import os
import re
import sys
import tomllib
from pathlib import Path

declared = tomllib.loads(Path(sys.argv[1]).read_text("utf-8"))["project"]["dependencies"]
free = os.environ.get("LOWEST_EXCEPT", "").split()
for requirement in declared:
    name, version = re.match(r"([\w.-]+)[>=]=([\w.]+)", requirement).groups()
    if name not in free:
        sys.stdout.write(f"{name}=={version}\n")
