"""The service menu on the scripted leg: signing in and out by PIN, recording a prompt by a code, what guessing
costs; extensions dialled in a menu; codes of phones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.calls.answer import take
from appliance.calls.desk import Desk
from appliance.calls.phone_code import take_code
from appliance.domain.flow import Flow
from appliance.domain.outcome import Disposition
from appliance.domain.routing import RoutingTable
from appliance.store.signing import Means, Signings
from appliance.store.takes import FOLDER, GOOD_FOR, Takes
from appliance.switch.leg import PhoneCode, Recorded
from tests.calls.scenarios import Board, Clock, desk
from tests.calls.test_flow_nodes import BYE, NUMBER, did, flow, site
from tests.contract.fake import INVITE, FakeLeg

PIN, EXTENSION = "4711", "801"
#: The line ``w`` serves a queue that asks for signing in.
SIGNED = "w"


def service(**fields: Any) -> Flow:
    node = {"type": "service", "next": "bye", "failed": "lost", "timeout_s": 5, **fields}
    return flow("staff", "in", **{"in": node}, bye=BYE, lost={"type": "hangup", "prompt": "lost"})


def known(of: Flow) -> RoutingTable:
    """The scenarios' site, whose queue ``signed`` is served by ``w`` (801, with a PIN) and ``b`` (802, without)."""
    made = site(of)
    lines = dict(made.lines)
    lines["w"] = replace(lines["a"], id="w", number="13900000001", extension=EXTENSION, pin_hash=f"hash of {PIN}")
    lines["b"] = replace(lines["b"], extension="802")
    lines["desk"] = replace(lines["a"], id="desk", number="", trunk="", is_phone=True)
    some = next(iter(made.queues.values()))
    queue = replace(some, id="signed", hunt=replace(some.hunt, lines=("w", "b", "desk")), sign_in=True)
    return replace(made, lines=lines, queues={"signed": queue})


class Staff:
    """A box that calls come to one after the other; PINs are compared plainly."""

    def __init__(self, of: Flow, tmp_path: Path) -> None:
        self.clock = Clock()
        self.table = known(of)
        self.compared: list[str] = []
        self.recordings = tmp_path
        self.desk: Desk = replace(
            desk(self.clock, Board()), routing=lambda: self.table, is_pin=self._is_pin, recordings=tmp_path
        )
        self.takes = Takes(self.desk.journal.file)

    def _is_pin(self, pin_hash: str, keyed: str) -> bool:
        self.compared.append(keyed)
        return pin_hash == f"hash of {keyed}"

    def call(self, presses: Sequence[str], caller: str = "13800138000", **script: Any) -> FakeLeg:
        invite = replace(INVITE, request_user=NUMBER, to_user=NUMBER, caller_number=caller)
        leg = FakeLeg(invite, presses=presses, **script)
        take(leg, self.desk)
        return leg

    @property
    def signed(self) -> dict[str, Any]:
        return {one.line: one for one in self.history() if one.signed_in}

    def history(self) -> list[Any]:
        day = timedelta(days=1)
        return Signings(self.desk.journal.file).history(self.clock() - day, self.clock() + day)


def heard(leg: FakeLeg) -> list[str]:
    """Prompts, whether played or asked with; keys are asked for one by one."""
    return [step.partition(" ")[2] for step in did(leg) if step.startswith(("play ", "collect "))]


@pytest.fixture
def staff(tmp_path: Path) -> Staff:
    return Staff(service(record=False), tmp_path)


def test_an_agent_signs_in_by_extension_and_pin_and_out_again(staff: Staff) -> None:
    leg = staff.call([*EXTENSION, "#", *PIN, "#", "1"])
    assert heard(leg) == [
        "service-extension",
        "service-pin",
        "service-is-out",
        "service-keys",
        "service-signed-in",
        "bye",
    ]
    (one,) = staff.history()
    assert (one.line, one.signed_in, one.who, one.means) == ("w", True, "13800138000", Means.CALL)
    assert "w" in staff.desk.dispatcher._list.signed_in(), "the queue goes by it"
    assert leg.told["way"] == "in=next" and leg.told["outcome"] == "ended:menu"
    out = staff.call([*EXTENSION, "#", *PIN, "#", "2"])
    assert heard(out)[2:5] == ["service-is-in", "service-keys", "service-signed-out"]
    assert [one.signed_in for one in staff.history()] == [True, False]
    assert staff.desk.dispatcher._list.signed_in() == {}


def test_who_calls_from_his_own_line_is_asked_for_the_pin_alone(staff: Staff) -> None:
    assert heard(staff.call([*PIN, "#", "1"], caller="+8613900000001"))[:2] == ["service-pin", "service-is-out"]
    assert staff.history()[0].who == "13900000001"


def test_from_a_colleagues_telephone_the_hash_key_asks_for_the_extension(staff: Staff) -> None:
    leg = staff.call(["#", *EXTENSION, "#", *PIN, "#", "#"], caller="13900000001")
    assert heard(leg)[:4] == ["service-pin", "no-key", "service-extension", "service-pin"]
    assert heard(leg)[-2:] == ["service-keys", "bye"] and staff.history() == []


def test_a_made_up_calling_number_opens_nothing(staff: Staff) -> None:
    leg = staff.call([*"0815", "#", *"0816", "#", *"0817", "#", "1"], caller="13900000001")
    assert heard(leg) == ["service-pin", "service-wrong"] * 3 + ["lost"]
    assert staff.history() == [] and leg.told["way"] == "in=failed"


def test_an_extension_that_nobody_has_sounds_like_a_wrong_pin(staff: Staff) -> None:
    unknown = staff.call([*"899", "#", *PIN, "#"] * 3)
    without = Staff(service(record=False), staff.recordings).call([*"802", "#", *PIN, "#"] * 3)
    assert heard(unknown) == heard(without) == ["service-extension", "service-pin", "service-wrong"] * 3 + ["lost"]
    assert staff.compared == [PIN] * 3, "compared as any other, so that it takes as long"


def test_wrong_pins_lock_the_line_whoever_calls_and_a_right_one_is_not_even_compared(staff: Staff) -> None:
    for caller in ("13800138001", "13800138002"):
        staff.call([*EXTENSION, "#", *"0815", "#"] * 3, caller=caller)
    assert len(staff.compared) == 5, "the sixth was not looked at"
    locked = staff.call([*EXTENSION, "#", *PIN, "#", "1"])
    assert heard(locked)[-2:] == ["service-locked", "lost"] and len(staff.compared) == 5
    staff.clock.now += timedelta(minutes=16)
    assert heard(staff.call([*EXTENSION, "#", *PIN, "#", "1"]))[-2:] == ["service-signed-in", "bye"]
    assert staff.call([*EXTENSION, "#", *"0815", "#", *EXTENSION, "#", *PIN, "#", "2"]).told["way"] == "in=next"


def test_one_pin_tried_at_every_extension_locks_the_account(staff: Staff) -> None:
    for place in range(10):
        staff.call([step for n in range(3) for step in (*f"{500 + place * 3 + n}", "#", *"0815", "#")])
    assert heard(staff.call([*EXTENSION, "#", *PIN, "#", "1"]))[-2:] == ["service-locked", "lost"]


def test_a_pin_is_nowhere_told(staff: Staff) -> None:
    with capture_logs() as logs:
        leg = staff.call([*EXTENSION, "#", *"0815", "#", *EXTENSION, "#", *PIN, "#", "1"])
    told = repr((leg.told, leg.notes, logs, [step for step in leg.did if step[0] != "collect"]))
    assert "0815" not in told and PIN not in told
    assert leg.did.index(("hide_keys",)) < leg.did.index(("collect", "service-extension.wav"))
    assert "keys" not in leg.told


def test_a_line_of_no_such_queue_need_not_sign_in(tmp_path: Path) -> None:
    staff = Staff(service(record=False), tmp_path)
    staff.table = replace(staff.table, queues={})
    assert heard(staff.call([*EXTENSION, "#", *PIN, "#"]))[-2:] == ["service-not-needed", "bye"]


def test_who_keys_nothing_leaves_by_the_exit_for_it(staff: Staff) -> None:
    leg = staff.call([])
    assert heard(leg) == ["service-extension", "no-key"] * 3 + ["lost"]


def test_the_menu_offers_what_the_node_does(tmp_path: Path) -> None:
    both = Staff(service(attempts=2), tmp_path)
    assert heard(both.call(["9", ""])) == ["service-menu", "wrong-key", "service-menu", "no-key", "lost"]
    assert heard(both.call(["1"]))[:2] == ["service-menu", "service-extension"]
    assert heard(both.call(["2"]))[:2] == ["service-menu", "take-code"]
    own = Staff(service(prompt="staff-menu"), tmp_path)
    assert heard(own.call(["2"]))[:2] == ["staff-menu", "take-code"]


@pytest.fixture
def studio(tmp_path: Path) -> Staff:
    made = Staff(service(sign_in=False), tmp_path)
    (tmp_path / FOLDER).mkdir()
    return made


def file_of(leg: FakeLeg, staff: Staff) -> Path:
    """Where the leg recorded; made as the switch would have."""
    return staff.recordings / next(step[1] for step in leg.did if step[0] == "record")


def test_a_prompt_is_recorded_heard_and_kept(studio: Staff) -> None:
    code = studio.takes.give("demo", "welcome", "欢迎", "desk-1", studio.clock())
    assert code is not None
    leg = studio.call([*code.digits, "#", "3", "9", "1"], says=[Recorded(4.0)])
    name = file_of(leg, studio).name
    assert heard(leg) == [
        *("take-code", "take-speak", "beep", name.removesuffix(".wav"), "take-check", name.removesuffix(".wav")),
        *("take-check", "wrong-key", "take-check", "take-kept", "bye"),
    ]
    (waits,) = studio.takes.waiting()
    assert waits.code == code and waits.file == f"{FOLDER}/{name}"
    again = studio.call([*code.digits, "#"] * 3)
    assert heard(again) == ["take-code", "service-wrong"] * 3 + ["lost"], "a code is good once"
    assert code.digits not in repr((leg.told, again.told))


def test_what_is_not_kept_is_gone(studio: Staff) -> None:
    code = studio.takes.give("demo", "welcome", "", "desk-1", studio.clock())
    assert code is not None
    for script in (
        {"presses": [*code.digits, "#", "", "", ""], "says": [Recorded(4.0)]},
        {"presses": [*code.digits, "#"], "says": [Recorded(4.0)], "gone_at": "record"},
    ):
        leg = FakeLeg(replace(INVITE, request_user=NUMBER, to_user=NUMBER), **script)  # type: ignore[arg-type]
        left = studio.recordings / FOLDER / f"{leg.uuid}-{code.id[:8]}.wav"
        left.write_bytes(b"RIFF")
        take(leg, studio.desk)
        assert not left.exists() and studio.takes.waiting() == []
    assert heard(studio.call([*code.digits, "#", "1"], says=[Recorded(4.0)]))[-2:] == ["take-kept", "bye"]


def test_recorded_again_and_silence(studio: Staff) -> None:
    code = studio.takes.give("demo", "welcome", "", "desk-1", studio.clock())
    assert code is not None
    says = [None, Recorded(0.2), Recorded(3.0), Recorded(2.0)]
    leg = studio.call([*code.digits, "#", "2", "1"], says=says)
    assert [step[0] for step in leg.did].count("record") == 4
    assert heard(leg).count("take-nothing") == 2 and heard(leg)[-2:] == ["take-kept", "bye"]


def test_a_code_is_of_its_account_and_its_quarter_of_an_hour(studio: Staff) -> None:
    other = studio.takes.give("small", "welcome", "", "x", studio.clock())
    own = studio.takes.give("demo", "welcome", "", "x", studio.clock())
    assert own is not None and other is not None
    assert studio.call([*other.digits, "#"]).told["way"] == "in=failed"
    studio.clock.now += GOOD_FOR
    assert studio.call([*own.digits, "#"]).told["way"] == "in=failed"


def test_codes_cannot_be_tried_out(studio: Staff) -> None:
    code = studio.takes.give("demo", "welcome", "", "desk-1", studio.clock())
    assert code is not None
    wrong = "000000" if code.digits != "000000" else "000001"
    for _ in range(4):
        studio.call([*wrong, "#"] * 3)
    assert heard(studio.call([*code.digits, "#", "1"]))[-2:] == ["service-locked", "lost"]


def test_a_full_disk_and_a_code_that_was_used_meanwhile(studio: Staff) -> None:
    code = studio.takes.give("demo", "welcome", "", "desk-1", studio.clock())
    assert code is not None
    roomy = studio.desk
    studio.desk = replace(roomy, has_room=lambda: False)
    assert heard(studio.call([*code.digits, "#"])) == ["take-code", "service-not-saved", "bye"]
    studio.desk = roomy
    leg = FakeLeg(
        replace(INVITE, request_user=NUMBER, to_user=NUMBER), presses=[*code.digits, "#", "1"], says=[Recorded(3.0)]
    )
    record = leg.record

    def another_is_quicker(*given: Any) -> Any:
        studio.takes.keep(code, "takes/other.wav", "", studio.clock())
        return record(*given)

    leg.record = another_is_quicker  # type: ignore[method-assign]
    take(leg, studio.desk)
    assert heard(leg)[-2:] == ["service-not-saved", "bye"]
    assert [one.file for one in studio.takes.waiting()] == ["takes/other.wav"]


MENU = {
    "type": "menu",
    "prompt": "main",
    "keys": {"1": "bye", "8": "news"},
    "silence": "bye",
    "wrong": "lost",
    "wrong_prompt": "wrong-key",
    "attempts": 2,
    "dial": True,
}


def menu(**fields: Any) -> Flow:
    return flow(
        "front",
        "menu",
        menu={**MENU, **fields},
        news={"type": "play", "prompt": "news", "next": "bye"},
        lost={"type": "hangup", "prompt": "lost"},
        bye=BYE,
    )


@pytest.mark.parametrize(
    ("presses", "steps", "keys"),
    [
        # At once: no extension begins so.
        (["1"], ["collect main", "play bye"], "menu=1"),
        # A key and the beginning of an extension: the pause decides.
        (["8", ""], ["collect main", "collect", "play news", "play bye"], "menu=8"),
        (["8", "#"], ["collect main", "collect", "play news", "play bye"], "menu=8"),
        (["8", "0", "1"], ["collect main", "collect", "collect", "connect w"], "menu=801"),
        # All of a wrong one is taken, so that its last digits are no keys of the next try.
        (
            ["8", "0", "9", "1", "", "8", "0", "1"],
            ["collect main", *["collect"] * 4, "play wrong-key", "collect main", *["collect"] * 2, "connect w"],
            "menu=801",
        ),
        (
            ["8", "5", "", "9"],
            ["collect main", *["collect"] * 2, "play wrong-key", "collect main", "play lost"],
            None,
        ),
    ],
)
def test_an_extension_is_dialled_in_a_menu(
    presses: list[str], steps: list[str], keys: str | None, tmp_path: Path
) -> None:
    leg = Staff(menu(), tmp_path).call(presses)
    assert [step for step in did(leg)[1:] if not step.startswith("hang_up")] == steps
    assert leg.told.get("keys") == keys


def test_an_extension_that_cannot_be_joined_leads_on_and_after_the_talk_as_well(tmp_path: Path) -> None:
    leg = Staff(menu(failed="news", after="bye"), tmp_path).call([*"801"], lines={"w": Disposition.BUSY})
    assert leg.told["way"] == "menu=failed;news=next" and heard(leg)[-2:] == ["news", "bye"]
    talked = Staff(menu(failed="news", after="menu"), tmp_path).call([*"801", *"801"])
    assert talked.told["way"] == "menu=after;menu=failed;news=next", "one talk a call"
    open_end = Staff(menu(), tmp_path).call([*"801"], lines={"w": Disposition.BUSY})
    assert open_end.ended_with == "USER_BUSY" and heard(open_end)[-1] == "all-lines-busy"
    assert open_end.told["outcome"] == "failed:user-busy"


def test_a_menu_that_does_not_dial_is_as_before(tmp_path: Path) -> None:
    assert did(Staff(menu(dial=False), tmp_path).call(["8"]))[1:3] == ["collect main", "play news"]


@pytest.mark.parametrize(
    ("line", "signs_in", "steps", "changed"),
    [
        ("desk", True, ["answer", "play service-signed-in", "hang_up NORMAL_CLEARING"], ["desk"]),
        ("desk", False, ["answer", "play service-signed-out", "hang_up NORMAL_CLEARING"], []),
        # No phone, or one that is no line any more.
        ("w", True, ["hang_up CALL_REJECTED"], []),
        ("gone", True, ["hang_up CALL_REJECTED"], []),
        ("", True, ["hang_up CALL_REJECTED"], []),
    ],
)
def test_a_phone_dials_a_code(
    line: str, signs_in: bool, steps: list[str], changed: list[str], staff: Staff
) -> None:
    leg = FakeLeg()
    take_code(leg, PhoneCode(line, signs_in), staff.desk)
    assert did(leg) == steps
    assert [(one.line, one.who, one.means) for one in staff.history()] == [
        (one, one, Means.PHONE) for one in changed
    ]


def test_a_phone_of_no_such_queue_and_one_that_hangs_up_at_once(staff: Staff) -> None:
    leg = FakeLeg(gone_at="play")
    take_code(leg, PhoneCode("desk", True), staff.desk)
    assert list(staff.signed) == ["desk"], "done before it is said"
    staff.table = replace(staff.table, queues={})
    leg = FakeLeg()
    take_code(leg, PhoneCode("desk", True), staff.desk)
    assert did(leg)[1] == "play service-not-needed"
