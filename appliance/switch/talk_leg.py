"""The port ``Talk``: a line's leg whose side pressed a key in a talk (the dialplan's context ``talk``).

The leg stays joined all the while: the switch carries out what is said here within the talk (``bind_meta_app``),
and the caller hears ``hold_music`` (``switch_ivr_parse_event``, ``hold-bleg``).
"""

from __future__ import annotations

from appliance.domain.outcome import disposition
from appliance.domain.talk import TalkKey, TalkKeys
from appliance.errors import SwitchGone
from appliance.switch import escape
from appliance.switch.dialling import leg as dialled
from appliance.switch.dialling import longest
from appliance.switch.esl_leg import MOVED, TALK_LIMIT_S, TRANSFER, UNRECORDED, EslLeg
from appliance.switch.leg import Target, Tried
from appliance.switch.link import REPLY_TIMEOUT_S
from appliance.switch.options import bindings
from appliance.switch.session import Application
from appliance.switch.wire import Headers

_KEY = b"variable_gw_key"
#: A line that is spoken to is exported these facts; its own name stands in its options, and goes before none of
#: them.
_EXPORTED = f"gw_facts,gw_number,gw_account,{UNRECORDED}"
#: What the side that asks hears while the other line rings; as ``ringback``, but for a leg that is answered.
_RINGBACK = "%(1000,4000,450)"
#: A short tone says that the caller is held.
_HELD = "tone_stream://%(150,0,640)"
#: Where a caller goes whose talk is over.
_AFTER = "transfer_after_bridge after-talk:XML:handlers"
#: Noted on the caller's leg: a talk of his is recorded, and what is recorded next goes behind it.
_RECORDED = "gw_recorded"
#: Set by the switch where all three talk (``att_thread_run``).
_THREE = "xfer_uuids"
_ANY_DIGIT = "0123456789#"


def talk_key(data: Headers) -> TalkKey | None:
    """What a connection of the switch's asks for; None: it brings a call."""
    key = data.get(_KEY)
    return TalkKey(key) if key in set(TalkKey) else None


class EslTalk(EslLeg):
    """The line's leg. Built when the session is connected."""

    @property
    def key(self) -> TalkKey:
        """See ``Talk.key``."""
        return TalkKey(self._session.data.get(_KEY))

    @property
    def caller(self) -> str:
        """See ``Talk.caller``."""
        bond = self._session.data.get(b"variable_signal_bond")
        if not bond:
            raise SwitchGone("a key outside of a talk")
        return escape.identifier(bond)

    def hold_caller(self, keys: TalkKeys) -> None:
        """See ``Talk.hold_caller``. All in one message: should the handlers die, the keys mean again what they
        did."""
        back: list[Application] = [("bind_meta_app", f"{digit} a si break::") for _, digit in keys]
        again: list[Application] = [_split(asked) for _, asked in bindings(keys)]
        work: list[Application] = [
            ("set", f"playback_terminators={_ANY_DIGIT}"),
            *back,
            ("playback", _HELD),
            ("playback", "silence_stream://-1"),
            *again,
            ("set", "playback_terminators="),
        ]
        self._run(work, "playback_terminator_used", TALK_LIMIT_S)

    def consult(self, target: Target, unrecorded: str = "") -> Tried:
        """See ``Talk.consult``."""
        caller = self.caller
        file = self._recording() if unrecorded else None
        # From here on the switch may take the caller out of his own handlers' hands (att_xfer's uuid_bridge); it
        # gives him back when that talk is over and he is still there (audio_bridge_on_exchange_media).
        orders = [f"uuid_setvar {caller} {MOVED} yes", f"uuid_setvar {caller} {_AFTER}"]
        variables = {"export_vars": _EXPORTED, "transfer_ringback": _RINGBACK, _THREE: ""}
        if file is not None:
            # Now: the two are joined by the switch alone.
            orders += [
                f"uuid_record {caller} stop {file}",
                f"uuid_setvar {caller} {_RECORDED} yes",
                f"uuid_setvar {caller} {UNRECORDED} {escape.identifier(unrecorded)}",
            ]
            variables[UNRECORDED] = unrecorded
        self._session.api(orders)
        within = f"{{ignore_early_media=true,originate_timeout={longest([target])}}}"
        other = within + dialled(target, self._folders.prompts, alone=False, call=caller)
        work: list[Application] = [("multiset", escape.multiset(variables)), ("att_xfer", other)]
        cause = self._run(work, "originate_disposition", TALK_LIMIT_S)
        if file is not None:
            self._recorded_again(file)
        if cause != "SUCCESS":
            self._session.api([f"uuid_setvar {caller} {MOVED}", f"uuid_setvar {caller} {_AFTER.split()[0]}"])
        return Tried(target.line, disposition(cause, causes=target.causes), cause)

    def _recorded_again(self, file: str) -> None:
        """The side that asked is back with the caller, unless all three talk."""
        if self._session.value(_THREE):
            return
        caller = self.caller
        self._session.api(
            [
                f"uuid_setvar {caller} {UNRECORDED}",
                f"uuid_setvar {caller} RECORD_APPEND true",
                f"uuid_record {caller} start {file}",
            ]
        )
        self._variables[UNRECORDED] = ""
        self._run([], UNRECORDED, REPLY_TIMEOUT_S)

    def send_on(self, line: str) -> None:
        """See ``Talk.send_on``."""
        caller = self.caller
        orders = [
            f"uuid_setvar {caller} {TRANSFER} {escape.identifier(line)}",
            f"uuid_transfer {caller} transferred XML handlers",
        ]
        if self._recording() is not None:
            orders.insert(0, f"uuid_setvar {caller} {_RECORDED} yes")
        self._session.api(orders)

    def pause(self, recording: str, *, on: bool) -> None:
        """See ``Talk.pause``."""
        file = self._file(recording)
        self._session.api([f"uuid_record {self.caller} {'mask' if on else 'unmask'} {file}"])
        self._variables["gw_paused"] = "yes" if on else ""
        self._run([], "gw_paused", REPLY_TIMEOUT_S)

    def _recording(self) -> str | None:
        """The file that this talk is recorded to, as the switch knows it; None: it is not."""
        name = self.notes.get("recording", "")
        return self._file(name) if name and not self.notes.get("unrecorded") else None

    def _file(self, recording: str) -> str:
        return escape.media_path(self._folders.recordings / recording, self._folders.recordings)


def _split(asked: str) -> Application:
    name, _, argument = asked.partition(" ")
    return name, argument
