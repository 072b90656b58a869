"""The same calls without us: FreeSWITCH's dialplan, and its queue module, added to a rendered configuration."""

from __future__ import annotations

from pathlib import Path

#: number → what goes before the ringing, the application that rings, its argument without the dial string.
_RINGS = {
    "4008000001": ("", "bridge", ""),
    "4008000002": ("", "limit_execute", "hash line plain 900 bridge "),
    "4008000003": (
        '<action application="record_session" data="{records}/${{uuid}}.wav"/>',
        "limit_execute",
        "hash line plain 900 bridge ",
    ),
    "4008000004": ("", "callcenter", "bench@default"),
}
_EXTENSION = """
  <extension name="plain-{number}">
    <condition field="destination_number" expression="^{number}$">
      <action application="set" data="hangup_after_bridge=true"/>
      <action application="set" data="ignore_early_media=true"/>
      <action application="answer"/>
      <action application="play_and_get_digits"
              data="1 1 1 5000 none {prompt} silence_stream://20 key [0-9*#]+ 3000"/>
      {before}
      <action application="{application}" data="{data}"/>
      <action application="hangup" data="NORMAL_CLEARING"/>
    </condition>
  </extension>
"""
_DIAL = "[leg_timeout=25]sofia/gateway400/0216000{at:04}@127.0.0.1:{port}"
_CALLCENTER = """<configuration name="callcenter.conf" description="A queue for comparison">
  <settings/>
  <queues>
    <queue name="bench@default">
      <param name="strategy" value="longest-idle-agent"/>
      <param name="moh-sound" value="{music}"/>
      <param name="time-base-score" value="system"/>
      <param name="tier-rules-apply" value="false"/>
    </queue>
  </queues>
  <agents>
{agents}
  </agents>
  <tiers>
{tiers}
  </tiers>
</configuration>
"""
_AGENT = (
    '    <agent name="a{at}" type="callback" contact="{dial}" status="Available" max-no-answer="3" wrap-up-time="0"'
    ' reject-delay-time="2" busy-delay-time="2"/>'
)
_TIER = '    <tier agent="a{at}" queue="bench@default" level="1" position="1"/>'


def add_plain(to: Path, *, port: int, prompt: Path, records: Path, agents: int) -> None:
    """Add the plain numbers to the configuration that was rendered into ``to``; lines answer on ``port``."""
    extensions = ""
    for number, (before, application, data) in _RINGS.items():
        dial = "" if application == "callcenter" else _DIAL.format(at=1, port=port)
        extensions += _EXTENSION.format(
            number=number,
            prompt=prompt,
            before=before.format(records=records),
            application=application,
            data=data + dial,
        )
    _insert(to / "dialplan" / "gateway.xml", '<context name="gateway">', extensions, before=False)
    _insert(to / "configuration" / "modules.conf.xml", "</modules>", '<load module="mod_callcenter"/>')
    allowed = '<allow name="mod_callcenter.callcenter.app"/>'
    _insert(to / "configuration" / "switch.conf.xml", "</interface-allowlist>", allowed)
    callcenter = to / "configuration" / "callcenter.conf.xml"
    ats = range(agents)
    callcenter.write_text(
        _CALLCENTER.format(
            music=prompt,
            agents="\n".join(_AGENT.format(at=at, dial=_DIAL.format(at=at, port=port)) for at in ats),
            tiers="\n".join(_TIER.format(at=at) for at in ats),
        ),
        encoding="utf-8",
    )
    # A pre-processor's word stands on a line of its own.
    include = f'\n    <X-PRE-PROCESS cmd="include" data="{callcenter}"/>\n'
    _insert(to / "freeswitch.xml", '<section name="configuration">', include, before=False)


def _insert(file: Path, mark: str, text: str, *, before: bool = True) -> None:
    """Put ``text`` before a mark of the file, or behind it; AssertionError when it has none."""
    found = file.read_text(encoding="utf-8")
    assert found.count(mark) == 1, f"{file} has not one {mark}"
    file.write_text(found.replace(mark, text + mark if before else mark + text), encoding="utf-8")
