"""The firewall's rules as they are written for a site; loaded into a table of their own where there is nft."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest

from tests.ansible.test_playbook import ANSIBLE, defaults

FILE = ANSIBLE / "roles/firewall/templates/firewall.nft.j2"


def rules(**changes: Any) -> str:
    """The template filled in, as Ansible does (``trim_blocks``)."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.tests["match"] = lambda value, pattern: re.match(pattern, value) is not None
    environment.tests["search"] = lambda value, pattern: re.search(pattern, value) is not None
    known = {
        **defaults("base"),
        **defaults("firewall"),
        "ansible_managed": "made",
        "gateway_console_host": "192.0.2.10",
        "gateway_console_port": 8400,
        "firewall_console_ports": [8400],
        "firewall_sources": ["198.51.100.7/32", "2001:db8::/64"],
        "firewall_ports": ["", ""],
    }
    return environment.from_string(FILE.read_text(encoding="utf-8")).render(known | changes)


def accepted(text: str, port: str) -> list[str]:
    """Who may send to a port: the sets named in rules that accept."""
    return re.findall(rf"ip6? saddr @(\w+) meta l4proto \{{ tcp, udp \}} th dport {port} accept", text)


def test_only_carriers_while_the_site_has_no_phone_and_no_translated_trunk() -> None:
    text = rules()
    assert accepted(text, str(defaults("base")["gateway_sip_port"])) == ["trunks4", "trunks6"]
    assert "phones" not in text and "5082" not in text and "5084" not in text


def test_phones_and_translated_trunks_get_their_ports() -> None:
    text = rules(firewall_ports=["5082", "5084"], firewall_phones_networks=["192.0.2.0/24"])
    assert accepted(text, "5082") == ["phones4", "phones6"]
    assert accepted(text, "5084") == ["trunks4", "trunks6"]
    assert re.search(r"set phones4 \{[^}]*elements = \{ 192\.0\.2\.0/24 \}", text)
    # Whoever knocks too often is stopped before what stands is let through.
    assert text.index("limit rate over 20/second") < text.index("ct state established")


def test_where_the_ports_are_read_from() -> None:
    task = (ANSIBLE / "roles/firewall/tasks/enable.yml").read_text(encoding="utf-8")
    pattern = re.search(r"'(name=\"sip-port\"[^']+)'", task)
    assert pattern is not None
    for profile, name in (("phones", "phones_port"), ("outside", "outside_port")):
        assert profile in task
        template = ANSIBLE.parent / f"freeswitch-scripts/conf/sip/profile-{profile}.xml.j2"
        carrier = template.with_name("carrier.j2").read_text(encoding="utf-8")
        text = template.read_text(encoding="utf-8") + carrier
        assert name in text
        assert re.findall(pattern[1], 'name="sip-port" value="5082"') == ["5082"]


@pytest.mark.skipif(shutil.which("nft", path="/usr/sbin:/usr/bin") is None, reason="no nft")
@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
@pytest.mark.parametrize("ports", [["", ""], ["5082", "5084"]])
def test_nft_takes_them(tmp_path: Path, ports: list[str]) -> None:
    file = tmp_path / "firewall.nft"
    file.write_text(rules(firewall_ports=ports), encoding="utf-8")
    nft = shutil.which("nft", path="/usr/sbin:/usr/bin")
    done = subprocess.run([str(nft), "--check", "--file", str(file)], capture_output=True, text=True)
    if "Operation not permitted" in done.stderr or "cache initialization failed" in done.stderr:
        pytest.skip("this machine lets nobody look at its rules")
    assert done.returncode == 0, done.stderr
