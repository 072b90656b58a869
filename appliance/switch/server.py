"""The outbound socket's server: the switch connects here for every call, and each call is one greenlet.

What a handler does wrong must not leave a caller in silence: its socket is closed, and the dialplan goes on with
``handlers-gone``. A handler that returns with the call still up has it hung up.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import gevent
import structlog
from gevent import socket
from gevent.pool import Pool
from gevent.server import StreamServer

from appliance.errors import CallerGone, SwitchGone
from appliance.switch.esl_leg import EslLeg, Folders
from appliance.switch.leg import LegHandler, PhoneHandler, TalkHandler
from appliance.switch.phone_leg import phone_code
from appliance.switch.session import Session
from appliance.switch.talk_leg import EslTalk, talk_key

_BACKLOG = 512
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Counts:
    """Calls since the start, for metrics; ``failed``: the handler raised, or the switch broke off."""

    in_progress: int = 0
    total: int = 0
    failed: int = 0


class LegServer:
    """Runs ``handler`` for each call that the switch hands over.

    :param address: where to listen; port 0: any free one, see ``port``.
    :param talk: runs for each key in a talk; none: keys do nothing.
    :param phone: runs for each code that a phone of the house dials; none: codes do nothing.
    :param reuse_port: let a new process listen on the same port while this one ends its calls.
    :raises OSError: the address is taken.
    """

    def __init__(
        self,
        address: tuple[str, int],
        handler: LegHandler,
        folders: Folders,
        *,
        reuse_port: bool = False,
        talk: TalkHandler | None = None,
        phone: PhoneHandler | None = None,
    ) -> None:
        self._handler = handler
        self._talk = talk
        self._phone = phone
        self._folders = folders
        self._pool = Pool()
        self.counts = Counts()
        self._listener = _listening(address, reuse_port)
        self._server = StreamServer(self._listener, self._call, spawn=self._pool)
        # Calls come one by one: a second try to accept would fail each time.
        self._server.max_accept = 1

    @property
    def port(self) -> int:
        """The port that is listened on."""
        port: int = self._listener.getsockname()[1]
        return port

    def start(self) -> None:
        """Take calls from now on."""
        self._server.start()

    def stop(self, within_s: float = 10.0) -> None:
        """Take no new call; let those in progress end, for ``within_s`` at most, and break off the rest.

        A line and a caller who talk go on talking: only the handlers' hold on the call ends.
        """
        if not self._server.closed:
            self._server.stop_accepting()
            self._take_waiting()
            # StreamServer.stop would kill the pool's greenlets at once.
            self._server.close()
        if not self._pool.join(timeout=within_s):
            _log.warning("calls broken off", calls=len(self._pool))
            self._pool.kill(block=True, timeout=5.0)

    def _take_waiting(self) -> None:
        """Calls that the switch connected already and nobody accepted: closing would refuse them."""
        with contextlib.suppress(OSError):
            while True:
                accepted = self._server.do_read()
                if accepted is None:
                    return
                self._pool.spawn(self._call, *accepted)

    def _call(self, sock: socket.socket, address: tuple[str, int]) -> None:
        """One call, from the switch's connection to its end."""
        self.counts.total += 1
        self.counts.in_progress += 1
        session: Session | None = None
        try:
            session = Session(address, sock)
            session.connect()
            if talk_key(session.data) is not None:
                # A line's leg: when this is done they talk on.
                if self._talk is not None:
                    self._talk(EslTalk(session, self._folders))
                return
            leg = EslLeg(session, self._folders)
            code = phone_code(session.data)
            if code is None:
                self._handler(leg)
            elif self._phone is not None:
                self._phone(leg, code)
            if session.ended is None and not leg.moved:
                leg.hang_up("NORMAL_CLEARING")
        except CallerGone:
            pass
        except SwitchGone as error:
            # A health check asks whether somebody answers, and brings no call.
            if session is not None and session.heard:
                self.counts.failed += 1
                _log.warning("switch gone", error=str(error), call=_call_of(session))
        except gevent.GreenletExit:
            raise
        except Exception:
            self.counts.failed += 1
            _log.exception("call handler failed", call=_call_of(session))
        finally:
            self.counts.in_progress -= 1
            if session is not None:
                session.stop()
            sock.close()


def _call_of(session: Session | None) -> str:
    return session.uuid if session is not None and session.session_data is not None else ""


def _listening(address: tuple[str, int], reuse_port: bool) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
