"""Reading: every fault with its line, nothing lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import SiteError
from appliance.site import read
from appliance.site.findings import SiteFaults
from tests.site.texts import DEMO, edited, line_of

PLAN = (
    "plans: [{code: p, name: 套餐, charge_by: time, meter: answer, minimum_monthly: 50,"
    " prices: [{effective_from: 2026-01-01T00:00:00.5+08:00, per_minute: 0.11, per_call: 1.333333}]}]"
)


def faults(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(SiteFaults) as caught:
        read.parse(data, "site.yaml")
    assert caught.value.exit_code == 3
    assert isinstance(caught.value, SiteError)
    assert caught.value.findings == [item.text() for item in caught.value.items]
    for item in caught.value.items:
        assert item.text("zh").startswith(f"site.yaml:{item.line}:" if item.line else "site.yaml:")
    return caught.value.findings


def test_words_without_quotes_lose_nothing() -> None:
    site = read.parse(
        f"""
version: 1
accounts: [{{id: 007, name: 1.50}}]
lines: [{{id: a, account: 007, number: 02160000001, kind: landline, trunk: t, max_calls: 2}}]
{PLAN}
""".encode(),
        "site.yaml",
    ).site
    assert (site.accounts[0].id, site.accounts[0].name) == ("007", "1.50")
    assert (site.lines[0].number, site.lines[0].max_calls) == ("02160000001", 2)
    plan = site.plans[0]
    assert (plan.minimum_monthly, plan.prices[0].per_minute, plan.prices[0].per_call) == (
        50_000_000,
        110_000,
        1_333_333,
    )
    assert plan.prices[0].effective_from.text == "2026-01-01T00:00:00.5+08:00"
    assert plan.prices[0].effective_from.at.isoformat() == "2025-12-31T16:00:00.500000+00:00"


def test_numbers_are_kept_in_one_form() -> None:
    site = read.parse(edited(('number: "4008001234"', "number: 400-800-1234")).encode(), "site.yaml").site
    assert site.numbers[0].number == "4008001234"


def test_a_mark_of_byte_order_is_no_fault() -> None:
    assert read.parse(b"\xef\xbb\xbfversion: 1\n", "site.yaml").site.version == 1


def test_counts_of_a_node_become_numbers() -> None:
    text = edited(("silence: bye\n", 'silence: bye\n        attempts: "2"\n        timeout_s: 2.5\n'))
    node = read.parse(text.encode(), "site.yaml").site.flows[0].graph()["nodes"]["menu"]
    assert (node["attempts"], node["timeout_s"]) == (2, 2.5)
    node = read.parse(text.replace("2.5", "soon").encode(), "s").site.flows[0].graph()["nodes"]["menu"]
    assert node["timeout_s"] == "soon"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "site.yaml: the file is empty"),
        ("# nothing\n", "site.yaml: the file is empty"),
        (b"version: 1\nname: \xff\n", "site.yaml:2: is not UTF-8 text"),
        (
            "version: 1\naccounts: [\n",
            "site.yaml:3: is not YAML: expected the node content, but found '<stream end>'",
        ),
        (
            "version: 1\n\taccounts: []\n",
            "site.yaml:2: is not YAML: found character '\\t' that cannot start any token",
        ),
        ("a: 1\n---\nb: 1\n", "site.yaml:2: is not YAML: but found another document"),
        ("a: \x01\n", "site.yaml: is not YAML: unacceptable character #x0001: special characters are not allowed"),
        ("[" * 600, "site.yaml: is nested too deeply"),
        ("version: 1\nversion: 1\n", "site.yaml:2: version: stands here a second time"),
        (
            "version: 1\naccounts: &a []\nlines: *a\n",
            "site.yaml:3: lines: an alias may not stand here; write it out",
        ),
        ("version: !int 1\n", "site.yaml:1: version: the tag !int may not stand here"),
        ("version: 1\n? [a]\n: b\n", "site.yaml:2: a field's name must be a text"),
        ("- version\n", "site.yaml:1: must be a mapping of fields"),
        ("version\n", "site.yaml:1: must be a mapping of fields"),
        ("accounts: []\n", "site.yaml:1: version: is required"),
        ("version: 2\n", "site.yaml:1: version: must be a whole number from 1 to 1"),
        ("version: 1\naccounts: {}\n", "site.yaml:2: accounts: must be a list"),
        ("version: 1\naccounts: [a]\n", "site.yaml:2: accounts[0]: must be a mapping of fields"),
        (
            "version: 1\nflows: [{name: a, account: a, start: a, nodes: []}]\n",
            "site.yaml:2: flows[0].nodes: must be a mapping of fields",
        ),
        (
            "version: 1\nflows: [{name: a, account: a, start: a, nodes: {}}]\n",
            "site.yaml:2: flows[0].nodes: needs at least 1",
        ),
    ],
)
def test_what_is_no_site_file(text: str | bytes, said: str) -> None:
    assert faults(text) == [said]


def test_a_file_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(read, "MAX_BYTES", 100)
    file = tmp_path / "site.yaml"
    file.write_text("#" * 101)
    with pytest.raises(SiteFaults, match="larger than 100 bytes"):
        read.read(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SiteFaults) as caught:
        read.read(tmp_path / "none.yaml")
    assert caught.value.findings == [f"{tmp_path}/none.yaml: cannot be read: No such file or directory"]
    with pytest.raises(SiteFaults, match="cannot be read: Is a directory"):
        read.read(tmp_path)


#: A change to the demonstration site, the words of the line that it is found in, and what is said of it.
FIELDS = [
    ("    name: 示范企业", "    nmae: 示范企业", "nmae", "accounts[0].nmae: unknown field"),
    ("- id: demo\n", "- id: 示范\n", "id: 示范", "accounts[0].id: not an id"),
    ("    name: 示范企业", "    name: [示范企业]", "name: [示", "accounts[0].name: must be a text"),
    ("    name: 示范企业", '    name: "a\\nb"', 'name: "a', "accounts[0].name: holds a control character"),
    ("    name: 示范企业", f"    name: {'x' * 201}", "name: xxx", "accounts[0].name: longer than 200 characters"),
    ("roles: [auditor]", "roles: [boss]", "boss", "operators[3].roles[0]: must be one of administrator, operator"),
    ("roles: [auditor]", "roles: []", "roles: []", "operators[3].roles: needs at least 1"),
    ("login: auditor", "login: ' '", "login: ' '", "operators[3].login: not an id"),
    (
        "roles: [auditor]",
        "roles: [auditor], password_hash: secret",
        "secret",
        "password_hash: not an argon2id hash",
    ),
    ('"127.0.0.1:5070"', '"127.0.0.1:x"', "127.0.0.1:x", "trunks[0].accept[0]: not an address, a network"),
    ('"127.0.0.1:5070"', "10.0.0.0/33", "0/33", "trunks[0].accept[0]: not an address, a network"),
    ('"127.0.0.1:5070"', "carrier.example", "carrier.example", "trunks[0].accept[0]: not an address, a network"),
    ("127.0.0.1:5090", "127.0.0.9", "127.0.0.9", "trunks[1].proxy: not HOST:PORT: 127.0.0.9"),
    ("127.0.0.1:5090", "a b:5060", "a b:5060", "trunks[1].proxy: not HOST:PORT: a b:5060"),
    ("127.0.0.1:5090", "host:70000", "host:70000", "trunks[1].proxy: not HOST:PORT"),
    (
        "[request-uri, to, diversion]",
        "[from]",
        "[from]",
        "trunks[0].called_from[0]: must be one of request-uri, to",
    ),
    ('"02161234567": ', '"desk": ', '"desk"', "trunks[0].landing.desk: not a number that can be dialled: desk"),
    (': "4008001234"\n  - id', ": 95588\n  - id", ": 95588", "landing.02161234567: not a 400 number"),
    ('"02160000001"', '"400-800-1234"', "sales-1, account", "lines[0].number: a line may not be a 400 number"),
    ('"02160000001"', '"8001;x=1"', "8001;x", "lines[0].number: not a number that can be dialled: 8001;x=1"),
    ("trunk: desk-sales, max_calls: 2", "trunk: desk-sales, max_calls: -1", "max_calls: -1", "from 0 to 1000"),
    ("trunk: desk-sales, max_calls: 2", "trunk: desk-sales, max_calls: 2.0", "2.0", "from 0 to 1000"),
    ("name: 销售, number", "kind2: x, number", "kind2", "lines[0].kind2: unknown field"),
    (
        "record: all",
        "record: some",
        "record: some",
        "numbers[0].record: must be off, all or share:N (N from 1 to 99): some",
    ),
    (
        "record_notice: true",
        "record_notice: yes",
        "record_notice",
        "numbers[0].record_notice: must be true or false",
    ),
    ("record_notice: true", 'record_notice: "true"', "record_notice", "record_notice: must be true or false"),
    ('- number: "4008001234"', "- number: 95588", "95588", "numbers[0].number: not a 400 number"),
    ('starts_at: "2026-01-01T00:00:00+08:00"', "starts_at: 2026-01-01", "starts_at", "starts_at: not a time"),
    ('starts_at: "2026-01-01T00:00:00+08:00"', "starts_at: 2026-01-01T00:00:00", "starts_at", "not a time"),
    ('starts_at: "2026-01-01T00:00:00+08:00"', "starts_at: 2026-02-30T00:00:00Z", "starts_at", "not a time"),
    ('starts_at: "2026-01-01T00:00:00+08:00"', "starts_at: 1999-01-01T00:00:00Z", "starts_at", "not a time"),
    ('starts_at: "2026-01-01T00:00:00+08:00"', "starts_at: 2026-01-01T00:00:00+15:00", "starts_at", "not a time"),
    ("starts_at:", "start:", "{plan: time-60", "numbers[0].subscriptions[0].starts_at: is required"),
    ('per_minute: "0.11"', 'per_minute: "0.1234567"', "per_minute", "per_minute: not an amount in yuan"),
    ('per_minute: "0.11"', "per_minute: 1e-2", "per_minute", "per_minute: not an amount in yuan"),
    ('per_minute: "0.11"', "per_minute: -0.11", "per_minute", "per_minute: not an amount in yuan"),
    (
        'per_minute: "0.11"',
        "per_minute: 0.11, per_hour: 1",
        "per_hour",
        "plans[0].prices[0].per_hour: unknown field",
    ),
    ("initial_seconds: 60", "initial_seconds: 0", "initial_seconds", "must be a whole number from 1"),
    ("charge_by: time", "charge_by: day", "charge_by", "plans[0].charge_by: must be one of time, call"),
    ("    meter: answer\n", "", "code: time-60", "plans[0].meter: is required"),
]


@pytest.mark.parametrize(("old", "new", "where", "said"), FIELDS)
def test_a_wrong_field_is_named_with_its_line(old: str, new: str, where: str, said: str) -> None:
    text = edited((old, new)) if DEMO.count(old) == 1 else DEMO.replace(old, new, 1)
    found = faults(text)
    line = line_of(text, where)
    assert [item for item in found if said in item and item.startswith(f"site.yaml:{line}: ")], found


def test_every_fault_is_found_at_once_in_the_order_of_the_file() -> None:
    text = edited(
        ("    name: 示范企业", "    nmae: x"), ("charge_by: time", "charge_by: day"), ("record: all", "record: x")
    )
    found = faults(text)
    assert len(found) == 4  # nmae is unknown, and name is missing
    assert [int(item.split(":")[1]) for item in found] == sorted(int(item.split(":")[1]) for item in found)
