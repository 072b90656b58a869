"""``python -m tests.support.seed FOLDER``: a filled box to look at."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.seed import make

make(Path(sys.argv[1]))
