"""Servers that these tests share."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import trustme

from appliance.http.client import Client
from appliance.http.names import Names
from tests.http.server import HttpServer, http_server


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with http_server() as made:
        yield made


@dataclass
class Secured:
    server: HttpServer
    #: Trusts the server's authority, and no other.
    trusting: ssl.SSLContext


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """A server with a certificate for ``crm.example``."""
    authority = trustme.CA()
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("crm.example").configure_cert(own)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with http_server(own) as made:
        yield Secured(made, trusting)


@pytest.fixture
def client() -> Client:
    """May ask this machine, as a setting allows."""
    return Client(Names({"127.0.0.1"}))
