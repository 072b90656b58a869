"""The demonstration site: one enterprise, one number with a menu, two lines on this machine."""

from __future__ import annotations

from importlib import resources


def demo_site(sip_peer_port: int, line_port_a: int, line_port_b: int) -> str:
    """The site file, its trunks on 127.0.0.1.

    :param sip_peer_port: UDP port that callers send their INVITEs from; 0: any.
    :param line_port_a: UDP port where line ``sales-1`` rings.
    :param line_port_b: UDP port where line ``service-1`` rings.
    """
    text = resources.files(__name__).joinpath("site.yaml").read_text(encoding="utf-8")
    for name, value in {
        "CALLERS": f"127.0.0.1:{sip_peer_port}" if sip_peer_port else "127.0.0.1",
        "SALES_PORT": line_port_a,
        "SERVICE_PORT": line_port_b,
    }.items():
        text = text.replace(f"@{name}@", str(value))
    return text
