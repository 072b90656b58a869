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
from appliance.switch.esl_leg import MOVED, TALK_LIMIT_S, TRANSFER, EslLeg
from appliance.switch.leg import Target, Tried
from appliance.switch.link import REPLY_TIMEOUT_S
from appliance.switch.options import bindings
from appliance.switch.session import Application
from appliance.switch.wire import Headers

_KEY = b"variable_gw_key"
#: A line that is spoken to is exported these facts; its own name stands in its options, and goes before none of
#: them.
_EXPORTED = "gw_facts,gw_number,gw_account"
#: What the side that asks hears while the other line rings; as ``ringback``, but for a leg that is answered.
_RINGBACK = "%(1000,4000,450)"
#: A short tone says that the caller is held.
_HELD = "tone_stream://%(150,0,640)"
#: Where a caller goes whose talk is over.
_AFTER = "transfer_after_bridge after-talk:XML:handlers"
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

    def consult(self, target: Target) -> Tried:
        """See ``Talk.consult``."""
        caller = self.caller
        # From here on the switch may take the caller out of his own handlers' hands (att_xfer's uuid_bridge); it
        # gives him back when that talk is over and he is still there (audio_bridge_on_exchange_media).
        self._session.api([f"uuid_setvar {caller} {MOVED} yes", f"uuid_setvar {caller} {_AFTER}"])
        within = f"{{ignore_early_media=true,originate_timeout={longest([target])}}}"
        other = within + dialled(target, self._folders.prompts, alone=False, call=caller)
        variables = {"export_vars": _EXPORTED, "transfer_ringback": _RINGBACK}
        work: list[Application] = [("multiset", escape.multiset(variables)), ("att_xfer", other)]
        cause = self._run(work, "originate_disposition", TALK_LIMIT_S)
        if cause != "SUCCESS":
            self._session.api([f"uuid_setvar {caller} {MOVED}", f"uuid_setvar {caller} {_AFTER.split()[0]}"])
        return Tried(target.line, disposition(cause, causes=target.causes), cause)

    def send_on(self, line: str) -> None:
        """See ``Talk.send_on``."""
        caller = self.caller
        self._session.api(
            [
                f"uuid_setvar {caller} {TRANSFER} {escape.identifier(line)}",
                f"uuid_transfer {caller} transferred XML handlers",
            ]
        )

    def pause(self, recording: str, *, on: bool) -> None:
        """See ``Talk.pause``."""
        file = escape.media_path(self._folders.recordings / recording, self._folders.recordings)
        self._session.api([f"uuid_record {self.caller} {'mask' if on else 'unmask'} {file}"])
        self._variables["gw_paused"] = "yes" if on else ""
        self._run([], "gw_paused", REPLY_TIMEOUT_S)


def _split(asked: str) -> Application:
    name, _, argument = asked.partition(" ")
    return name, argument
