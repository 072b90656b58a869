"""How a run's tests are dealt out: what is dear to start is started for one share."""

from __future__ import annotations

import pytest

from tests.support.dealing import rank, share


@pytest.mark.parametrize(
    ("test", "other", "together"),
    [
        ("e2e/test_calls.py::test_a[miniswitch]", "e2e/test_calls.py::test_b[miniswitch-script0]", True),
        ("e2e/test_calls.py::test_a[miniswitch]", "e2e/test_calls.py::test_a[freeswitch]", False),
        ("e2e/test_calls.py::test_a[miniswitch]", "e2e/test_flows.py::test_a[miniswitch]", False),
        ("e2e/test_calls.py::test_a[miniswitch]", "e2e/test_doctor.py::test_a[miniswitch]", True),
        ("contract/test_keys.py::test_a[freeswitch]", "contract/test_end.py::test_b[freeswitch-x]", True),
        ("contract/test_keys.py::test_a[freeswitch]", "contract/test_keys.py::test_a[fake]", False),
        ("store/test_a.py::test_a[postgres]", "cdr/test_b.py::test_b[postgres-9-1]", True),
        ("store/test_a.py::test_a[postgres]", "store/test_a.py::test_a[sqlite]", False),
        ("webui/test_reach.py::test_a", "webui/test_browser.py::test_b", True),
        ("domain/test_cdr.py::test_a", "domain/test_cdr.py::TestB::test_b[x]", True),
        ("domain/test_cdr.py::test_a", "domain/test_pin.py::test_a", False),
    ],
)
def test_what_shares_a_switch_a_server_or_a_browser_stays_together(test: str, other: str, together: bool) -> None:
    assert (share(f"tests/{test}") == share(f"tests/{other}")) is together


def test_what_takes_long_begins_first() -> None:
    tests = ["domain/test_pin.py::test_a", "site/test_demo.py::test_a", "e2e/test_calls.py::test_a[miniswitch]"]
    assert [rank(share(f"tests/{one}")) for one in tests] == [2, 1, 0]
