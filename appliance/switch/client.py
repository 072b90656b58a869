"""The inbound side: a connection that we open to the switch, for questions, orders and events of all calls.

``Client`` is greenswitch's ``InboundESL`` with its unsafe parts replaced (see ``link``). One client is one
connection; ``stay_connected`` makes a new one whenever it ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import gevent
import structlog
from gevent import socket
from gevent.event import Event
from greenswitch.esl import InboundESL

from appliance.errors import SwitchError, SwitchGone, SwitchRefused, SwitchTimeout
from appliance.switch import escape
from appliance.switch.link import REPLY_TIMEOUT_S, Link, again
from appliance.switch.wire import Frame, Headers, text

#: Pauses before a new try to connect, in seconds; the last one is repeated.
BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
#: A connection that held for so long was a good one: the pauses begin anew.
GOOD_AFTER_S = 10.0
_log = structlog.get_logger(__name__)


class Client(Link, InboundESL):  # type: ignore[misc]  # greenswitch has no types
    """A connection to the switch's event socket. ``with Client(…) as client:`` connects and closes.

    ``closed`` is set when the connection has ended.
    """

    def __init__(self, host: str, port: int, password: str, timeout: float = REPLY_TIMEOUT_S) -> None:
        """``timeout`` in seconds, for connecting and for each answer that is given none of its own."""
        self._asked = Event()
        self.closed = Event()
        self._take: Callable[[Headers], None] | None = None
        super().__init__(host, port, password, timeout)

    def connect(self) -> None:
        """Connect and show the password.

        :raises SwitchGone: nobody listens, or the switch closed.
        :raises SwitchTimeout: it does not ask for the password in time.
        :raises SwitchRefused: the password is wrong.
        """
        try:
            self.sock = socket.create_connection((self.host, self.port), timeout=self.timeout)
        except TimeoutError:
            raise SwitchTimeout(f"event socket {self.host}:{self.port}: no connection in time") from None
        except OSError as error:
            raise SwitchGone(f"event socket {self.host}:{self.port}: {error}") from None
        self.sock.settimeout(None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connected = True
        self.start_event_handlers()
        try:
            if not self._asked.wait(self.timeout):
                raise SwitchTimeout(f"event socket {self.host}:{self.port}: no greeting")
            if self.ended is not None:
                raise again(self.ended)
            self.authenticate()
        except SwitchError:
            self.stop()
            raise

    def authenticate(self) -> None:
        """Show the password; see ``connect``."""
        try:
            self.send(f"auth {escape.password(self.password)}", self.timeout)
        except SwitchRefused:
            # Not with the command's words: they hold the password.
            raise SwitchRefused("event socket: wrong password") from None

    def api(self, command: str, timeout_s: float | None = None) -> str:
        """Run an API command; its text.

        :raises SwitchRefused: it answered ``-ERR`` or ``-USAGE``.
        :raises SwitchTimeout: no answer in time; the connection stays usable.
        :raises SwitchGone: the connection is closed.
        :raises UnsafeArgument: the command holds what must not be sent.
        """
        frame = self.send(f"api {escape.api_command(command)}", self.timeout if timeout_s is None else timeout_s)
        return text(frame.body)

    def subscribe(
        self,
        names: Iterable[str],
        take: Callable[[Headers], None],
        filters: Mapping[str, str] | None = None,
    ) -> None:
        """Have events told to ``take``; once a connection.

        ``take`` runs in the reader and must not wait, nor ask the client something: hand
        ``queue.put_nowait`` in and read the queue elsewhere. What it raises is logged.

        :param names: ``CHANNEL_ANSWER`` … (a ``CUSTOM`` subclass as ``CUSTOM`` then its name).
        :param filters: only events that have one of these headers with that value.
        """
        self._take = take
        for name, wanted in (filters or {}).items():
            self.send(f"filter {escape.identifier(name)} {escape.value(wanted)}", self.timeout)
        checked = " ".join(escape.event_name(name) for name in names)
        self.send(f"event plain {checked}", self.timeout)

    # -- what comes ------------------------------------------------------------------------------------------

    def on_auth_request(self, frame: Frame) -> None:
        """The switch's greeting."""
        self._asked.set()

    def on_event_frame(self, frame: Frame) -> None:
        """Tell the subscriber."""
        if self._take is None:
            return
        try:
            self._take(frame.event())
        except Exception:
            _log.exception("subscriber failed")

    def on_end(self, error: SwitchError) -> None:
        """Wake who waits for the greeting or for the end."""
        self._asked.set()
        self.closed.set()


def stay_connected(
    make: Callable[[], Client],
    on_up: Callable[[Client], None],
    until: Event,
    back_off_s: tuple[float, ...] = BACK_OFF_S,
) -> None:
    """Keep a connection to the switch until ``until`` is set; returns then. Run it in a greenlet.

    :param make: a new client, not yet connected.
    :param on_up: told each client that is connected: subscribe, list what runs. What it raises is logged and
        ends this connection.
    """
    failures = 0
    while not until.is_set():
        client = make()
        began = time.monotonic()
        try:
            client.connect()
            _log.info("event socket up", host=client.host, port=client.port)
            on_up(client)
            _wait_for_either(client, until)
        except SwitchError as error:
            if failures == 0:
                _log.warning("event socket away", error=str(error))
        except Exception:
            _log.exception("event socket: what was to be done with it failed")
        finally:
            client.stop()
        if time.monotonic() - began >= GOOD_AFTER_S:
            failures = 0
        until.wait(back_off_s[min(failures, len(back_off_s) - 1)])
        failures += 1


def _wait_for_either(client: Client, until: Event) -> None:
    """Until the connection ends, or ``until`` is set."""
    gevent.wait([client.closed, until], count=1)
    if not until.is_set():
        _log.warning("event socket closed", error=str(client.ended))
