"""The small rules: causes, expansion, dial strings, descriptions, settings, slots, variables, records."""

from __future__ import annotations

import doctest
import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.miniswitch import (
    causes,
    cdr,
    dialstring,
    esl_wire,
    expand,
    extension,
    g711,
    sdp,
    separate,
    settings,
    sip_udp,
    tones,
    variables,
)
from appliance.miniswitch.digits import Question
from appliance.miniswitch.limits import Limits
from appliance.miniswitch.profile import Profile, Times
from appliance.miniswitch.scheduler import Scheduler

WITH_EXAMPLES = [causes, dialstring, esl_wire, expand, extension, separate, settings, tones, variables]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples(module: Any) -> None:
    """The examples in the docstrings."""
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_causes() -> None:
    """Names, numbers and both mappings hold together."""
    for cause in [*causes._FROM_SIP.values(), *causes._TO_SIP]:
        assert cause in causes.Q850
    assert len(set(causes.Q850.values())) == len(causes.Q850)
    wanted = {
        486: "USER_BUSY", 480: "NO_USER_RESPONSE", 404: "UNALLOCATED_NUMBER", 603: "CALL_REJECTED",
        408: "RECOVERY_ON_TIMER_EXPIRE", 503: "NORMAL_TEMPORARY_FAILURE", 403: "CALL_REJECTED", 600: "USER_BUSY",
        500: "NORMAL_TEMPORARY_FAILURE", 487: "ORIGINATOR_CANCEL", 604: "NO_ROUTE_DESTINATION",
    }  # fmt: skip
    assert {status: causes.from_sip(status) for status in wanted} == wanted
    assert causes.to_sip("NO_ANSWER") == 480
    assert causes.to_sip("RECOVERY_ON_TIMER_EXPIRE") == 504
    assert causes.reason("USER_BUSY") == ("Q.850", 17, "USER_BUSY")
    assert causes.reason("ORIGINATOR_CANCEL") == ("SIP", 487, "ORIGINATOR_CANCEL")
    assert causes.reason("LOSE_RACE") == ("SIP", 200, "Call completed elsewhere")
    for status in causes._TO_SIP.values():
        assert causes.phrase(status) != "Call Ended"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("${a}", "1"),
        ("$${a}-${A}", "1-1"),
        ("x${nested}y", "x<1>y"),
        ("${${name}}", "1"),
        ("${long:2}", "cdef"),
        ("${long:-2}", "ef"),
        ("${long:1:3}", "bcd"),
        (r"\${a}", "${a}"),
        ("$a ${", "$a "),
        ("${loop}", ""),
        ("${system touch /tmp/x}", ""),
        ("${system(touch /tmp/x)}", ""),
        ("${api}", ""),
    ],
)
def test_expansion(text: str, result: str) -> None:
    """Variables, parts of them, variables in variables; never an API."""
    values = {"a": "1", "nested": "<${a}>", "name": "a", "long": "abcdef", "loop": "${loop}", "api": "${system x}"}
    found = expand.expand(text, lambda name: values.get(name.lower()))
    assert found == result or (text == "${loop}" and "system" not in found)


def test_dial_strings() -> None:
    """Common and own variables, dividers, quotes, several lines."""
    text = "{a=1,b=2}[b=3,leg_timeout=5]sofia/gateway400/139@127.0.0.1:5090,[^^;c=x,y;d='q']sofia/g/140@10.0.0.1"
    one, two = dialstring.parse(text)
    assert (one.number, one.host, one.port) == ("139", "127.0.0.1", 5090)
    assert (one.common, one.own) == ({"a": "1", "b": "2"}, {"b": "3", "leg_timeout": "5"})
    assert (two.port, two.own) == (5060, {"c": "x,y", "d": "q"})


def test_which_variable_goes_first() -> None:
    """As FreeSWITCH sets them on a line's leg; what the leg is made by is the other way round."""
    (line,) = dialstring.parse("{a=common,b=common}[b=own,c=own]sofia/g/1@10.0.0.1")
    exported = {"a": "exported", "c": "exported", "d": "exported"}
    assert line.variables(exported) == {"a": "common", "b": "common", "c": "exported", "d": "exported"}
    assert line.options == {"a": "common", "b": "own", "c": "own"}
    (line,) = dialstring.parse("{a=common,b=common,local_var_clobber=true}[b=own,c=own]sofia/g/1@10.0.0.1")
    found = line.variables(exported)
    assert (found["a"], found["b"], found["c"], found["d"]) == ("common", "own", "own", "exported")


@pytest.mark.parametrize(
    ("text", "delimiter", "pieces"),
    [
        ("", "|", []),
        ("a", "|", ["a"]),
        ("a|", "|", ["a"]),
        ("|a", "|", ["", "a"]),
        (" a | b ", "|", ["a", "b"]),
        ("'a | b'|c", "|", ["a | b", "c"]),
        ("it's|b", "|", ["it's", "b"]),
        (r"a\|b|\\c|\'d|e\nf|\g", "|", ["a|b", "\\c", "'d", "e\nf", "\\g"]),
        ("a  b", " ", ["a", "b"]),
        ("'m:|:set:a=b c|answer' inline", " ", ["m:|:set:a=b c|answer", "inline"]),
        ("a 'b c", " ", ["a", "'b c"]),
    ],
)
def test_cutting(text: str, delimiter: str, pieces: list[str]) -> None:
    """Read off `switch_separate_string`: edges, quotes that are closed or not, backslashes."""
    assert separate.separate(text, delimiter) == pieces


@pytest.mark.parametrize(
    "text",
    ["", "user/1000", "sofia/g/1", "sofia/g/@h", "[a=1sofia/g/1@h", "sofia/g/1@h:0", "sofia/g/1@h|sofia/g/2@h"],
)
def test_what_is_no_dial_string(text: str) -> None:
    """Refused with a typed error."""
    with pytest.raises(dialstring.DialError):
        dialstring.parse(text)


OFFER = (
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=公司\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18 0 8 96\r\n"
    "a=rtpmap:96 telephone-event/8000\r\n"
)


def test_descriptions() -> None:
    """The first law that we speak, the event's number, hold, the address of the media above the session's."""
    media = sdp.parse(OFFER)
    assert media == sdp.Media("10.0.0.2", 4000, g711.PCMU, 96)
    held = sdp.parse(OFFER + "c=IN IP4 0.0.0.0\r\n")
    assert (held.host, held.receives) == ("0.0.0.0", False)
    assert not sdp.parse(OFFER + "a=sendonly\r\n").receives
    assert not sdp.parse(OFFER + "a=recvonly\r\n").sends
    two = OFFER + "m=video 5000 RTP/AVP 0\r\na=sendonly\r\nc=IN IP4 1.1.1.1\r\n"
    assert sdp.parse(two) == media
    ours = sdp.build("127.0.0.1", 30000, [8, 0], 101)
    assert sdp.parse(ours) == sdp.Media("127.0.0.1", 30000, g711.PCMA, 101)
    for bad in (
        "",
        "m=audio",
        OFFER.replace("RTP/AVP", "RTP/SAVP"),
        OFFER.replace("4000", "0"),
        OFFER.replace("4000", "99999"),
        OFFER.replace("10.0.0.2", "999.1.1.1"),
        OFFER.replace("0 8", "3"),
    ):
        with pytest.raises(sdp.SdpError):
            sdp.parse(bad)


GOOD = {
    "sip_host": "127.0.0.1", "sip_port": 5080, "rtp_port_range": [20000, 20100], "accept": ["10.0.0.0/8"],
    "esl_host": "127.0.0.1", "esl_port": 8021, "esl_password": "secret", "handlers": "127.0.0.1:8084",
    "spool_dir": "/tmp/spool", "recordings_dir": "/tmp/rec", "music_file": "tone_stream://%(100,0,440)",
    "apology_file": "/tmp/sorry.wav", "log_file": "/tmp/log",
}  # fmt: skip


def test_settings(tmp_path: Path) -> None:
    """Read, with what is left out; every fault names its key."""
    found = settings.parse(GOOD)
    assert found.handlers == ("127.0.0.1", 8084)
    assert found.accept[0].allows("10.9.9.9", 1) and not found.accept[0].allows("11.0.0.1", 1)
    assert (found.media_timeout_s, found.max_call_s, found.fallback_script) == (60, 7200, None)
    assert found.ringback == "%(1000,4000,450)"
    assert settings.parse(GOOD | {"ringback": "%(1,2,3)"}).ringback == "%(1,2,3)"
    path = tmp_path / "c.json"
    for text in ("{", "[]", "null"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(settings.SettingsError, match=r"c\.json"):
            settings.load(path)
    with pytest.raises(settings.SettingsError, match="cannot be read"):
        settings.load(tmp_path / "none.json")
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert settings.load(path) == found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sip_host", "localhost"),
        ("sip_port", 0),
        ("sip_port", True),
        ("sip_port", "5080"),
        ("rtp_port_range", [20000]),
        ("rtp_port_range", [20100, 20000]),
        ("accept", []),
        ("accept", ["10.0.0.1/8"]),
        ("accept", ["10.0.0.1:99999"]),
        ("handlers", "127.0.0.1"),
        ("esl_password", ""),
        ("esl_password", "a\nb"),
        ("spool_dir", "spool"),
        ("music_file", "music.wav"),
        ("media_timeout_s", 0),
        ("ringback", "ring"),
        ("max_call_s", "long"),
        ("colour", "blue"),
    ],
)
def test_a_fault_in_the_settings(key: str, value: object) -> None:
    """The text names the key."""
    with pytest.raises(settings.SettingsError, match=key):
        settings.parse(GOOD | {key: value})
    if key in GOOD:
        with pytest.raises(settings.SettingsError, match=f"missing key: {key}"):
            settings.parse({name: GOOD[name] for name in GOOD if name != key})


def test_slots() -> None:
    """Never more than the limit, also when many threads ask at once; one place a channel."""
    limits = Limits()
    got: list[int] = []
    threads = [
        threading.Thread(target=lambda name=str(n): got.append(limits.take("line", "L", name, 5)))
        for n in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [0] * 35 + [1, 2, 3, 4, 5]
    assert limits.usage("line", "L") == 5
    assert not limits.take("line", "L", "late", 5)
    assert limits.take("line", "M", "late", 1) == limits.take("line", "M", "late", 1) == 1
    assert limits.usage("line", "M") == 1
    limits.free_all("late")
    assert limits.usage("line", "M") == 0
    assert not limits.take("line", "Z", "x", 0)
    assert limits.take("line", "Z", "x", -1)


def test_variables() -> None:
    """Found without regard to case, kept in order, removed by nothing."""
    found = variables.Variables({"sip_h_Diversion": "x", "a": "1"})
    assert found.get("SIP_H_diversion") == "x"
    found.set("A", "2")
    assert list(found.items()) == [("sip_h_Diversion", "x"), ("A", "2")]
    found.update({"a": None, "sip_h_diversion": ""})
    assert not list(found.items())
    own = variables.Variables({"a": "own"}, shared=variables.Variables({"A": "all", "RECORD_STEREO": "true"}))
    assert (own.get("a"), own.is_true("record_stereo"), own.get("b")) == ("own", True, None)
    own.set("a", None)
    assert own.get("a") == "all"
    assert not list(own.items())


def test_a_question_for_keys() -> None:
    """The ten arguments, and what stands in for those left out."""
    asked = Question.parse("1 4 3 5000 # /a.wav /b.wav key ^[0-9]+$ 2000")
    assert (asked.least, asked.most, asked.tries, asked.timeout, asked.between) == (1, 4, 3, 5.0, 2.0)
    assert (asked.terminators, asked.prompt, asked.invalid, asked.variable) == ("#", "/a.wav", "/b.wav", "key")
    short = Question.parse("2 1 1 10")
    assert (short.most, short.timeout, short.between, short.terminators) == (2, 1.0, 1.0, "#")


def test_later() -> None:
    """Jobs run when due, in order; one that fails stops no other, one that is overdue runs at once."""
    scheduler, done = Scheduler(), []
    finished = threading.Event()
    scheduler.after(0.06, lambda: done.append("second"))
    scheduler.after(0.03, lambda: done.append("first"))
    scheduler.after(0.04, lambda: done.append(str(1 // 0)))
    scheduler.after(-5, lambda: done.append("overdue"))
    scheduler.after(0.09, finished.set)
    assert finished.wait(2)
    scheduler.stop()
    assert done == ["overdue", "first", "second"]


def test_a_datagram_for_sippy() -> None:
    """No byte is lost, no character ends a line that is none, the body counts bytes."""
    raw = 'From: "公司\u0085\u2028\x0b" <sip:1@h>\r\nX: \udcd6\r\n\r\ns=公\r\n'.encode("utf-8", "surrogateescape")
    text = sip_udp.Datagram(raw).decode()
    head, _, body = text.partition("\r\n\r\n")
    assert len(head.splitlines()) == 2
    assert len(body) == len("s=公\r\n".encode())
    assert text.encode("utf-8", "surrogateescape") == raw.replace(b"\x0b", b" ")


def a_channel(times: Times, **more: Any) -> Any:
    """As much of a channel as a record needs."""
    profile = Profile(
        "inbound", "138", "\udcd6\udcd0", "138", "n", "138", "10.0.0.1", "400", "u-1", "sofia/x", times=times
    )
    found = SimpleNamespace(
        uuid="u-1", direction="inbound", hangup_cause="NORMAL_CLEARING", dialled_keys="1", times=times,
        profile=profile, profiles=[profile], other_type="", other_profile=None,
        applications=[("set", "a=1", 5), ("answer", None, 6)],
        media=SimpleNamespace(bytes_in=160, packets_in=1, bytes_out=320, packets_out=2),
        variables=variables.Variables({"gw_number": "400", "sip_from_display": "\udcd6\udcd0"}),
        switch=SimpleNamespace(events=SimpleNamespace(core=SimpleNamespace(uuid="core", hostname="host"))),
    )  # fmt: skip
    found.__dict__.update(more)
    return found


def test_lengths_in_a_record() -> None:
    """As FreeSWITCH computes them: whole units first, then the difference."""
    times = Times(created=1_000_900_000, answered=1_001_100_500, bridged=1_002_000_000, hungup=1_003_050_400)
    found = cdr.final_variables(a_channel(times))
    assert (found["duration"], found["mduration"], found["uduration"]) == ("3", "2150", "2150400")
    assert (found["billsec"], found["billmsec"], found["billusec"]) == ("2", "1950", "1949900")
    assert (found["waitmsec"], found["progressmsec"], found["answermsec"]) == ("1100", "0", "200")
    assert (found["bridge_uepoch"], found["progress_uepoch"]) == ("1002000000", "0")
    assert (found["last_app"], found["digits_dialed"]) == ("answer", "1")
    never = cdr.final_variables(a_channel(Times(created=1_000_000, hungup=9_000_000), dialled_keys=""))
    assert (never["billmsec"], never["answer_uepoch"], never["digits_dialed"]) == ("0", "0", "none")
    assert "answer_stamp" not in never


@pytest.mark.parametrize(
    ("cause", "number"),
    [("USER_BUSY", "17"), ("ORIGINATOR_CANCEL", "16"), ("ALLOTTED_TIMEOUT", "16"), ("INTERWORKING", "127")],
)
def test_the_cause_in_a_record(cause: str, number: str) -> None:
    """Causes of FreeSWITCH's own have no Q.850 number: they are written as 16."""
    assert cdr.final_variables(a_channel(Times(), hangup_cause=cause))["hangup_cause_q850"] == number


def test_a_record_on_disk(tmp_path: Path) -> None:
    """Its name, its shape, and bytes that are not UTF-8 as they came."""
    cdr.write(a_channel(Times(created=1)), tmp_path)
    raw = (tmp_path / "a_u-1.cdr.json").read_bytes()
    assert raw.endswith(b"}\n") and b"\xd6\xd0" in raw
    record = json.loads(raw.decode("utf-8", "surrogateescape"))
    assert set(record) >= {"core-uuid", "switchname", "channel_data", "variables", "callflow", "app_log"}
    assert record["variables"]["gw_number"] == "400"
    assert record["callflow"][0]["times"]["created_time"] == "1"
    assert record["app_log"]["applications"][1] == {"app_name": "answer", "app_stamp": "6"}
    other = a_channel(Times())
    cdr.write(a_channel(Times(), other_type="originator", other_profile=other.profile), tmp_path)
    line = json.loads((tmp_path / "u-1.cdr.json").read_bytes().decode("utf-8", "surrogateescape"))
    originator = line["callflow"][0]["caller_profile"]["originator"]["originator_caller_profiles"]
    assert originator[0]["destination_number"] == "400"
    cdr.write(a_channel(Times()), tmp_path / "not there")  # logged, never raised: the call must end
