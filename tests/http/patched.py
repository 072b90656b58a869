"""Tests of the client in a process whose sockets gevent has replaced, as in the handlers'.

``python -m tests.http.patched EXPRESSION``: those of ``test_client`` that pytest's ``-k`` chooses.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

if __name__ == "__main__":
    file = str(Path(__file__).with_name("test_client.py"))
    # Not the time limit's alarm nor a file of a run that others share.
    options = ["-q", "--timeout=0", "-p", "no:cacheprovider", "-p", "no:xdist"]
    sys.exit(pytest.main([file, *options, "-k", sys.argv[1]]))
