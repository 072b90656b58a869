"""A site with every field that queues have."""

from __future__ import annotations

#: Every field of a queue and of a node that leads into one, at a value that is not its default.
SITE = """version: 1
accounts:
  - {id: demo, name: 示范企业}
  - {id: other, name: 别家}
trunks:
  - {id: t, proxy: "127.0.0.1:5090", caller_id: pass, caller_number: "02180000000"}
lines:
  - id: a
    account: demo
    number: "02160000001"
    kind: landline
    trunk: t
    skills: [english, repairs]
  - {id: b, account: demo, number: "02160000002", kind: landline, trunk: t}
  - {id: theirs, account: other, number: "02160000003", kind: landline, trunk: t, skills: [french]}
queues:
  - id: support
    account: demo
    name: 技术支持
    lines: [a, b]
    strategy: rotate
    max_wait_seconds: 300
    max_length: 20
    announce_seconds: 45
    music: own-music
    wrap_up_seconds: 10
    rest_seconds: 60
    sign_in: true
    vip_priority: 9
    service_level_seconds: 15
    short_abandon_seconds: 3
    callback:
      key: "8"
      attempts: 5
      gap_seconds: 60
      expires_minutes: 120
      schedule: mornings
      overseas: true
      other_number: true
  - {id: plain, account: demo, lines: [b]}
  - {id: foreign, account: other, lines: [theirs]}
schedules:
  - {id: mornings, account: demo, week: {mon-fri: ["08:00-12:00"]}}
  - {id: afternoons, account: other, week: {mon-fri: ["12:00-18:00"]}}
flows:
  - name: help
    account: demo
    start: ask
    nodes:
      ask:
        type: menu
        prompt: ask
        keys: {"1": wait}
        silence: wait
        wrong: wait
      wait:
        type: queue
        queue: support
        priority: 3
        skill: english
        keys:
          "*": bye
        full: bye
        timeout: ask
        nobody: bye
      bye: {type: hangup, prompt: bye}
  - {name: plain, account: demo, start: wait, nodes: {wait: {type: queue, queue: plain}}}
numbers:
  - {number: "4008001234", account: demo, flow: help}
  - {number: "4008005678", account: demo, flow: plain}
"""


def wrote(old: str, new: str) -> str:
    """The site with one part written otherwise, at its first place."""
    assert old in SITE
    return SITE.replace(old, new, 1)
