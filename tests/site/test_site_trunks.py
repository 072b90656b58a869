"""Trunks that register, how voice and keys travel, SIP phones, keys in a talk: good values reach the routing and
the switch's configuration, wrong ones are found, secrets are nowhere else."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from appliance import bootstrap, config
from appliance.cli import root
from appliance.domain.outcome import Disposition
from appliance.domain.routing import DtmfMode, Registration
from appliance.domain.talk import TalkKeys
from appliance.errors import SettingsError, SiteError
from appliance.site import check, read, switchconf
from appliance.site.findings import SiteFaults
from appliance.site.switchparts import SwitchParts, needs_freeswitch, parts_of
from appliance.store.phones import ha1, phone_secrets, set_phone_password
from appliance.store.pins import is_pin_of
from appliance.store.unit import Store
from tests.site.ruled import exported, found, put, table

SITE = """
version: 1
accounts:
  - {id: demo, name: 示范, talk_keys: {}}
  - {id: plain, name: 普通}
trunks:
  - id: carrier
    proxy: 192.0.2.7:5060
    caller_number: "02180000000"
    registration: {user: u400, auth_user: a400, realm: ims.example, expires_seconds: 600, password_env: CARRIER_PW}
    dtmf: in-band
    behind_nat: true
    symmetric_rtp: false
    session_timer_seconds: 0
    media_timeout_seconds: 20
    progress_seconds: 6
    announced: "off"
    causes: {"q850:20": "off", "480": busy}
  - {id: usual, accept: [10.0.0.0/8], proxy: "sip.example:5060", caller_number: "02180000001", ping_seconds: 0}
lines:
  - {id: a, account: demo, number: "02160000001", kind: landline, trunk: carrier, extension: "801"}
  - {id: desk, account: demo, kind: phone, extension: "802"}
numbers:
  - {number: 4008001234, account: demo, lines: [a, desk], record_notice: false}
  - number: 4008005678
    account: demo
    lines: [a]
    record_notice: false
    talk_keys: {hold: "7", blind: "", consult: "", pause: ""}
"""


def test_every_field_reaches_the_routing_and_comes_back(store: Store) -> None:
    put(store, SITE)
    known = table(store)
    carrier, usual = known.trunks
    assert carrier.registration == Registration("u400", "a400", "ims.example", 600, password_env="CARRIER_PW")
    assert carrier.accept == ("192.0.2.7",)  # its registrar's, for nothing else is written
    assert (carrier.dtmf, carrier.behind_nat, carrier.symmetric_rtp) == (DtmfMode.IN_BAND, True, False)
    assert (carrier.session_timer_seconds, carrier.media_timeout_seconds, carrier.progress_seconds) == (0, 20, 6)
    assert carrier.announced is Disposition.OFF
    assert carrier.causes == {"Reason:SUBSCRIBER_ABSENT": Disposition.OFF, "480": Disposition.BUSY}
    assert usual.registration is None and usual.session_timer_seconds == 1800
    assert known.lines["desk"].is_phone and known.lines["desk"].extension == "802"
    keys = {number: route.talk_keys for number, route in known.numbers.items()}
    assert keys == {"4008001234": TalkKeys("1", "2", "3", "5"), "4008005678": TalkKeys("7")}
    again = exported(store)
    put(store, again)
    assert table(store) == known and exported(store) == again


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("password_env: CARRIER_PW", "expires_seconds: 61", "duplicate-key"),
        (", password_env: CARRIER_PW", "", "registration-password"),
        ("password_env: CARRIER_PW", "password_env: APPLIANCE_PW", "not-an-env-name"),
        ("password_env: CARRIER_PW", "password_file: secret", "not-a-secret-file"),
        ("user: u400", 'user: "u 400"', "not-a-sip-word"),
        ("    proxy: 192.0.2.7:5060\n", "", "registration-needs-proxy"),
        ("proxy: 192.0.2.7:5060", "proxy: ims.example:5060", "registration-needs-accept"),
        ("session_timer_seconds: 0", "session_timer_seconds: 60", "must-be-zero-or"),
        ("dtmf: in-band", "dtmf: pulse", "must-be-one-of"),
        ('"q850:20"', '"q850:200"', "not-a-cause"),
        ("kind: phone,", 'kind: phone, number: "02160000002",', "not-for-a-phone"),
        ("kind: phone,", "kind: phone, trunk: usual,", "not-for-a-phone"),
        ('extension: "802"', 'extension: "801"', "duplicate"),
        ('extension: "802"', 'extension: "8*2"', "not-an-extension"),
        ('hold: "7", blind: ""', 'hold: "7", blind: "7"', "key-twice"),
        ('hold: "7"', 'hold: "*"', "not-a-digit"),
        ('number: "02160000001", kind', "kind", "required"),
        ("kind: landline, trunk: carrier", "kind: landline", "required"),
    ],
)
def test_what_is_wrong_is_found(old: str, new: str, code: str) -> None:
    assert SITE.count(old) == 1
    codes = {finding.code for finding in found(SITE.replace(old, new))}
    assert code in codes or f"yaml.{code}" in codes


def test_prompts_for_keys_have_to_be_there() -> None:
    made = read.parse(SITE.encode(), "site.yaml")
    missing = check.check(made, lambda account, name: None if name.startswith("talk-") else Path(f"/{name}.wav"))
    assert {finding.code for finding in missing} == {"prompt-missing"}
    assert {str(finding.values["value"]) for finding in missing} == {
        *("talk-extension", "talk-unknown", "talk-unreachable", "talk-paused", "talk-resumed")
    }


def test_secrets_are_rendered_and_nowhere_else(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, SITE)
    monkeypatch.setenv("CARRIER_PW", "s3cret<&>")
    with store.work() as session:
        set_phone_password(session, "desk", "phones.gateway400", "told-once")
        for line, why in (("a", "no SIP phone"), ("nobody", "there is no line")):
            with pytest.raises(SiteError, match=why):
                set_phone_password(session, line, "phones.gateway400", "x")
        session.commit()
    secret = ha1("desk", "phones.gateway400", "told-once")
    before = table(store)
    put(store, SITE)  # applying the file again leaves the phone its password
    with store.reading() as session:
        secrets = phone_secrets(session)
    assert secrets == {"desk": secret} and table(store) == before
    assert not {"told-once", secret, "s3cret"} & set(exported(store).replace('"', " ").split())

    settings = config.Settings(state_dir=tmp_path, sip_external_host="203.0.113.5")
    parts = parts_of(before, secrets, bootstrap.registration_password)
    files = switchconf.render(settings, "only-for-this-test-0", ["192.0.2.7"], parts=parts)
    assert [str(name) for name, text in files.items() if "s3cret" in text] == ["sip/gateways-outside.xml"]
    assert 'value="s3cret&lt;&amp;&gt;"' in files[PurePath("sip/gateways-outside.xml")]
    assert [str(name) for name, text in files.items() if secret in text] == ["freeswitch.xml"]
    assert '<profile name="outside">' in files[PurePath("sip/profile-outside.xml")]
    with pytest.raises(SettingsError, match="sip_external_host"):
        switchconf.render(config.Settings(state_dir=tmp_path), "only-for-this-test-0", [], parts=parts)
    same_port = config.Settings(state_dir=tmp_path, sip_external_host="203.0.113.5", phones_port=5080)
    with pytest.raises(SettingsError, match="phones_port"):
        switchconf.render(same_port, "only-for-this-test-0", [], parts=parts)
    with pytest.raises(SettingsError, match="not an IPv4"):
        bad = config.Settings(state_dir=tmp_path, sip_external_host="outside")
        switchconf.render(bad, "only-for-this-test-0", [], parts=parts)
    for wrong in ("$${esl}", "two words", "", "密"):
        with pytest.raises(SettingsError, match="carrier"):
            parts_of(before, {}, lambda registration, wrong=wrong: wrong)  # type: ignore[misc]


def test_a_missing_password_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARRIER_PW", raising=False)
    with pytest.raises(SettingsError, match="CARRIER_PW: not set"):
        bootstrap.registration_password(Registration("u", password_env="CARRIER_PW"))
    file = tmp_path / "secret"
    with pytest.raises(SettingsError, match="No such file"):
        bootstrap.registration_password(Registration("u", password_file=str(file)))
    file.write_text("pass\n")
    assert bootstrap.registration_password(Registration("u", password_file=str(file))) == "pass"


def test_the_embedded_switch_refuses_such_a_site(store: Store) -> None:
    put(store, SITE)
    refused = needs_freeswitch(table(store))
    assert [line.partition(" needs")[0] for line in refused] == [
        "trunks/carrier: registration",
        "trunks/carrier: dtmf in-band",
        "trunks/carrier: behind_nat",
        "lines/desk: kind phone",
        "numbers/4008001234: talk_keys",
        "numbers/4008005678: talk_keys",
    ]
    assert all("内置交换不支持" in line for line in refused)


def test_and_refuses_it_as_it_is_applied(tmp_path: Path) -> None:
    """Before anything is stored that it could not start with."""
    file = tmp_path / "site.yaml"
    file.write_text(SITE, encoding="utf-8")
    settings = config.Settings(state_dir=tmp_path, switch="miniswitch")
    with pytest.raises(SiteFaults) as refused:
        bootstrap.set_up_site(settings, file)
    assert {one.code for one in refused.value.items} == {"needs-freeswitch"}
    assert {(one.path[0], one.path[2]) for one in refused.value.items} == {
        *(("trunks", "registration"), ("trunks", "dtmf"), ("trunks", "behind_nat")),
        *(("lines", "kind"), ("accounts", "talk_keys"), ("numbers", "talk_keys")),
    }
    assert all(one.line for one in refused.value.items)
    check.load(file, bootstrap.prompt_library(settings).find_playable)


def test_a_phones_password_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("APPLIANCE_CONFIG", raising=False)
    monkeypatch.setenv("CARRIER_PW", "s3cret")
    site = tmp_path / "site.yaml"
    site.write_text(SITE, encoding="utf-8")
    settings = config.load()
    bootstrap.set_up_site(settings, site)
    run = CliRunner()
    listed = run.invoke(root, ["line", "list"]).output
    assert "no password yet" in listed and "02160000001 by carrier" in listed and "ext. 802" in listed
    made = run.invoke(root, ["line", "password", "desk"])
    password = made.output.partition("password  ")[2].split()[0]
    assert len(password) >= 20
    store = Store(settings.database_url)
    with store.reading() as session:
        assert phone_secrets(session) == {"desk": ha1("desk", "phones.gateway400", password)}
    store.close()
    assert "not known yet" in run.invoke(root, ["line", "list"]).output
    refused = run.invoke(root, ["line", "password", "a"])
    assert isinstance(refused.exception, SiteError)
    pins_of_lines(run, settings)
    embedded = config.Settings(state_dir=tmp_path, switch="miniswitch")
    with pytest.raises(SettingsError, match="needs FreeSWITCH"):
        bootstrap.render_switch(embedded, tmp_path / "switch")


def pins_of_lines(run: CliRunner, settings: config.Settings) -> None:
    """By command, with a question, by chance, and taken away again; applying the site leaves them."""
    known = bootstrap.routing_table(settings)
    asked = run.invoke(root, ["line", "pin", "desk"], input="4711\n4711\n")
    assert asked.exit_code == 0 and "PIN of desk set" in asked.output and "4711" not in asked.output
    changed = bootstrap.routing_table(settings)
    assert changed.revision > known.revision, "the call handlers read it"
    assert is_pin_of(changed.lines["desk"].pin_hash, "4711")
    assert not is_pin_of(changed.lines["desk"].pin_hash, "4712") and not is_pin_of("", "4711")
    assert not is_pin_of("no hash", "4711")
    listed = run.invoke(root, ["line", "list"]).output.splitlines()
    assert [line.split()[0] for line in listed if line.endswith("  PIN")] == ["desk"]
    made = run.invoke(root, ["line", "pin", "desk", "--generate"]).output.strip()
    assert len(made) == 6 and is_pin_of(bootstrap.routing_table(settings).lines["desk"].pin_hash, made)
    for wrong in ("1234", "0000", "123", "12345678901", "４７１１"):
        refused = run.invoke(root, ["line", "pin", "desk"], input=f"{wrong}\n{wrong}\n")
        assert isinstance(refused.exception, SiteError), wrong
    put(Store(settings.database_url), SITE)
    assert is_pin_of(bootstrap.routing_table(settings).lines["desk"].pin_hash, made)
    assert "PIN of desk taken away" in run.invoke(root, ["line", "pin", "desk", "--clear"]).output
    assert bootstrap.routing_table(settings).lines["desk"].pin_hash == ""
    assert isinstance(run.invoke(root, ["line", "pin", "gone", "--clear"]).exception, SiteError)
    assert run.invoke(root, ["line", "pin", "desk", "--clear", "--generate"]).exit_code == 2
    assert "argon2" not in exported(Store(settings.database_url))


def test_phones_dial_their_codes_and_nothing_else(tmp_path: Path) -> None:
    def dialplan(**codes: str) -> str:
        settings = config.Settings(state_dir=tmp_path, **codes)
        parts = SwitchParts(has_phones=True)
        return switchconf.render(settings, "only-for-this-test-0", [], parts=parts)[
            PurePath("dialplan/gateway.xml")
        ]

    usual = dialplan()
    phones = usual[usual.index('<context name="phones">') : usual.index('<context name="handlers">')]
    assert re.findall(r'expression="([^"]*)"', phones) == [r"^\*81$", r"^\*82$"]
    assert phones.count('application="socket"') == 2 and "bridge" not in phones and "transfer" not in phones
    assert phones.index("OUTGOING_CALL_BARRED") > phones.rindex("socket"), "whatever else is dialled"
    assert 'expression="^\\*5\\*1$"' in dialplan(sign_in_code="*5*1", sign_out_code="")
    assert "sign-out" not in dialplan(sign_in_code="*5", sign_out_code="")
    for wrong in ("81", "*", "*8a", "*8.", "*12345678"):
        with pytest.raises(ValidationError):
            config.Settings(state_dir=tmp_path, sign_in_code=wrong)
    with pytest.raises(ValidationError, match="must differ"):
        config.Settings(state_dir=tmp_path, sign_in_code="*82")
