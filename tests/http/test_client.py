"""One exchange over HTTP, with servers that behave as systems do."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import Any

import pytest

from appliance.domain.lookup import MAX_ANSWER, Failed, Why
from appliance.http.client import Client, trusted
from appliance.http.names import AT_ONCE, Names, own_addresses
from appliance.http.order import Answer, Order
from tests.http.conftest import Secured
from tests.http.server import IN_TIME_S, HttpServer
from tests.support.ports import free_tcp_port


def order(url: str, total_s: float = 5.0, **more: Any) -> Order:
    return Order("GET", url, **{"connect_s": total_s, "read_s": total_s, "total_s": total_s, **more})


def leads_to(*addresses: str) -> Any:
    """A name server's answer."""
    return lambda host, port: [
        (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
        for one in addresses
    ]


def test_an_answer_comes_whole(server: HttpServer, client: Client) -> None:
    said = client.exchange(order(server.url("/good?a=1%202#part"), headers={"X-Key": "钥匙"}))
    assert isinstance(said, Answer)
    assert (said.status, said.body) == (200, b'{"customer": {"level": "VIP"}}')
    assert said.headers["content-type"] == "application/json"
    asked = server.asked[-1]
    assert asked.line == "GET /good?a=1%202 HTTP/1.1"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.headers["connection"] == "close" and asked.headers["accept-encoding"] == "identity"
    assert asked.headers["x-key"].encode() == "钥匙".encode()


def test_a_body_is_posted_whole(server: HttpServer, client: Client) -> None:
    body = b"x" * 3_000_000  # more than the kernel takes at once
    assert isinstance(client.exchange(Order("POST", server.url("/good"), body=body)), Answer)
    assert server.asked[-1].line == "POST /good HTTP/1.1" and server.asked[-1].body == body


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/huge", Why.TOO_LARGE),
        ("/endless", Why.TOO_LARGE),
        ("/large-head", Why.GARBAGE),
        ("/garbage", Why.GARBAGE),
        ("/closes", Why.GARBAGE),
        ("/closes-early", Why.GARBAGE),
    ],
)
def test_what_goes_wrong_is_said(server: HttpServer, client: Client, path: str, why: Why) -> None:
    assert client.exchange(order(server.url(path))) == Failed(why)


def test_an_answer_may_be_as_long_as_the_limit(server: HttpServer, client: Client) -> None:
    said = client.exchange(order(server.url("/just-fits")))
    assert isinstance(said, Answer) and len(said.body) == MAX_ANSWER


def test_a_redirect_is_not_followed(server: HttpServer, client: Client) -> None:
    before = len(server.asked)
    said = client.exchange(order(server.url("/redirect")))
    assert isinstance(said, Answer) and said.status == 302
    assert len(server.asked) == before + 1


@pytest.mark.parametrize("path", ["/slow", "/drip-head", "/drip-body"])
def test_all_of_it_is_over_in_time_however_it_drips(server: HttpServer, client: Client, path: str) -> None:
    began = time.monotonic()
    assert client.exchange(order(server.url(path), 0.5)) == Failed(Why.TIMEOUT)
    assert 0.4 < time.monotonic() - began < IN_TIME_S


def test_a_part_of_the_answer_that_does_not_come_ends_it_before(server: HttpServer, client: Client) -> None:
    began = time.monotonic()
    assert client.exchange(order(server.url("/slow"), 20, read_s=0.2)) == Failed(Why.TIMEOUT)
    assert time.monotonic() - began < IN_TIME_S


def test_nobody_takes_the_connection(client: Client) -> None:
    assert client.exchange(order(f"http://127.0.0.1:{free_tcp_port()}/")) == Failed(Why.UNREACHABLE)


def test_a_connection_that_is_not_taken_in_time() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        began = time.monotonic()
        said = Client(Names({"127.0.0.1"})).exchange(order(f"http://127.0.0.1:{full.getsockname()[1]}/", 0.3))
        for one in waiting:
            one.close()
    assert said == Failed(Why.TIMEOUT) and time.monotonic() - began < IN_TIME_S


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://127.0.0.1/", {}),
        ("http://user@127.0.0.1/", {}),
        ("http://127.0.0.1/ HTTP/1.1\r\nX: y", {}),
        ("http://127.0.0.1:1/", {"X": "a\r\nY: b"}),
        ("http://127.0.0.1:1/", {"Host": "elsewhere"}),
        ("http://127.0.0.1:1/", {"Transfer-Encoding": "chunked"}),
    ],
)
def test_what_is_no_request_is_not_sent(client: Client, url: str, headers: dict[str, str]) -> None:
    assert client.exchange(order(url, headers=headers)) == Failed(Why.BAD_REQUEST)


@pytest.mark.parametrize("headers", [{"X Y": "a"}, {"": "a"}, {"X": "a\nb"}, {"Ü": "a"}])
def test_a_header_that_is_none_is_not_sent(server: HttpServer, client: Client, headers: dict[str, str]) -> None:
    before = len(server.asked)
    assert client.exchange(order(server.url("/good"), headers=headers)) == Failed(Why.BAD_REQUEST)
    assert len(server.asked) == before


# Where it may go


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["169.254.169.254"], ["203.0.113.9", "127.0.0.1"], ["::ffff:127.0.0.1"], ["::1"]]
)
def test_no_name_leads_to_the_appliance_itself(server: HttpServer, addresses: list[str]) -> None:
    before = server.begun
    client = Client(Names(look_up=leads_to(*addresses)))
    assert client.exchange(order(server.url("/good", "evil.example"))) == Failed(Why.FORBIDDEN)
    assert server.begun == before


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0"])
def test_no_writing_of_it_does(server: HttpServer, host: str) -> None:
    assert Client(Names()).exchange(order(server.url("/good", host))) == Failed(Why.FORBIDDEN)


def test_the_machines_own_addresses_are_known() -> None:
    assert "127.0.0.1" in own_addresses()
    client = Client(Names(own=lambda: {"192.0.2.7"}, look_up=leads_to("192.0.2.7")))
    assert client.exchange(order("http://own.example/")) == Failed(Why.FORBIDDEN)


@pytest.mark.parametrize("allowed", ["crm.example", "crm.example:{port}"])
def test_a_host_may_be_allowed(server: HttpServer, allowed: str) -> None:
    names = Names({allowed.format(port=server.port)}, look_up=leads_to("127.0.0.1"))
    assert isinstance(Client(names).exchange(order(server.url("/good", "CRM.example"))), Answer)
    assert server.asked[-1].headers["host"].lower() == f"crm.example:{server.port}"
    assert Client(names).exchange(order(server.url("/good", "other.example"))) == Failed(Why.FORBIDDEN)


def test_another_port_of_an_allowed_one_is_not(server: HttpServer) -> None:
    names = Names({"crm.example:1"}, look_up=leads_to("127.0.0.1"))
    assert Client(names).exchange(order(server.url("/good", "crm.example"))) == Failed(Why.FORBIDDEN)


def test_a_name_is_looked_up_once_and_the_checked_address_is_connected_to(server: HttpServer) -> None:
    """DNS rebinding: what passed the check is not what a second look would find."""
    said: list[str] = []

    def rebinds(host: str, port: int) -> list[Any]:
        said.append(host)
        found: list[Any] = leads_to("127.0.0.1" if len(said) == 1 else "169.254.169.254")(host, port)
        return found

    client = Client(Names({f"crm.example:{server.port}"}, look_up=rebinds))
    assert isinstance(client.exchange(order(server.url("/good", "crm.example"))), Answer)
    assert said == ["crm.example"]


def test_the_next_address_is_tried(server: HttpServer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.2", server.port))  # taken, and nobody listens
        client = Client(Names({"crm.example"}, look_up=leads_to("127.0.0.2", "127.0.0.1")))
        assert isinstance(client.exchange(order(server.url("/good", "crm.example"))), Answer)


def test_a_name_that_is_not_known() -> None:
    def fails(host: str, port: int) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    assert Client(Names(look_up=fails)).exchange(order("http://crm.example/")) == Failed(Why.NO_SUCH_HOST)
    too_long = "a" * 64 + ".example"
    assert Client(Names()).exchange(order(f"http://{too_long}/")) == Failed(Why.NO_SUCH_HOST)


def test_name_servers_that_hang_take_no_more_than_their_part() -> None:
    answers = threading.Event()
    asked: list[str] = []

    def hangs(host: str, port: int) -> list[Any]:
        asked.append(host)
        answers.wait(30)
        return []

    client = Client(Names(look_up=hangs))
    said: list[object] = []
    threads = [
        threading.Thread(target=lambda: said.append(client.exchange(order("http://crm.example/", 0.5))))
        for _ in range(AT_ONCE + 6)
    ]
    began = time.monotonic()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert said == [Failed(Why.TIMEOUT)] * (AT_ONCE + 6)
    assert len(asked) == AT_ONCE and time.monotonic() - began < IN_TIME_S
    answers.set()


# Encrypted


def test_an_encrypted_answer_comes_whole(secured: Secured) -> None:
    client = Client(Names({"crm.example"}, look_up=leads_to("127.0.0.1")), secured.trusting)
    said = client.exchange(order(secured.server.url("/good", "crm.example", "https")))
    assert isinstance(said, Answer) and said.status == 200
    body = b"x" * 1_000_000
    posted = Order("POST", secured.server.url("/good", "crm.example", "https"), body=body)
    assert isinstance(client.exchange(posted), Answer) and secured.server.asked[-1].body == body


def test_a_certificate_that_nobody_vouches_for_is_refused(secured: Secured) -> None:
    client = Client(Names({"crm.example"}, look_up=leads_to("127.0.0.1")))
    assert client.exchange(order(secured.server.url("/good", "crm.example", "https"))) == Failed(Why.UNTRUSTED)


def test_a_certificate_of_another_host_is_refused(secured: Secured) -> None:
    client = Client(Names({"other.example"}, look_up=leads_to("127.0.0.1")), secured.trusting)
    assert client.exchange(order(secured.server.url("/good", "other.example", "https"))) == Failed(Why.UNTRUSTED)


def test_who_does_not_encrypt_is_unreachable(server: HttpServer, client: Client) -> None:
    url = server.url("/good", scheme="https")
    assert client.exchange(order(url, 0.5)) in (Failed(Why.UNREACHABLE), Failed(Why.TIMEOUT))


def test_a_handshake_that_drips_is_over_in_time(secured: Secured) -> None:
    """Bytes of a TLS record come one by one, and never all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                for _ in range(50):
                    try:
                        connection.sendall(b"\x16\x03\x03\x40\x00"[:1] if _ == 0 else b"\x03")
                    except OSError:
                        return
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        client = Client(Names({"127.0.0.1"}), secured.trusting)
        began = time.monotonic()
        said = client.exchange(order(f"https://127.0.0.1:{listener.getsockname()[1]}/", 0.5))
        assert said == Failed(Why.TIMEOUT) and time.monotonic() - began < IN_TIME_S


def test_the_machines_own_store_is_trusted() -> None:
    assert trusted().verify_mode is ssl.CERT_REQUIRED and trusted().check_hostname
