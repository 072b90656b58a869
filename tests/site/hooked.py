"""A site with every field that hooks have."""

from __future__ import annotations

WORD = "SECsecretword"
KEY = "693a91f6-7xxx"
SITE = f"""version: 1
accounts:
  - {{id: demo, name: 示范企业}}
  - {{id: other, name: 别家}}
hooks:
  - id: crm
    account: demo
    name: 客户系统
    kind: webhook
    url: https://crm.example/gateway?of={{token}}
    token: {WORD}1
    secret: {WORD}2
    headers:
      X-Account: "{{account}}"
    per_minute: 60
  - id: group
    account: demo
    kind: wecom
    url: https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}
  - id: ding
    account: demo
    kind: dingtalk
    url: https://oapi.dingtalk.com/robot/send?access_token={KEY}
    secret_file: /etc/gateway400/ding
  - id: fei
    account: other
    kind: feishu
    url: https://open.feishu.cn/open-apis/bot/v2/hook/{{token}}
    token_file: /etc/gateway400/fei
    secret: {WORD}3
  - id: sms
    account: demo
    kind: sms
    url: http://sms.example/send/{{to}}?u={{call}}
    to: "13800138000"
    method: GET
    encoding: json
    fields:
      apikey: "{{secret}}"
      content: "【示范】{{text}}"
    headers:
      Authorization: "Bearer {{token}}"
    secret: {WORD}4
    expect:
      result.code: "0"
    expect_text: OK
"""


def wrote(old: str, new: str) -> str:
    """The site with one part replaced, which must be there once."""
    assert SITE.count(old) == 1, old
    return SITE.replace(old, new)
