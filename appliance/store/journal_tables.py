"""The tables of a journal's file, each in its last form."""

from __future__ import annotations

#: 1 had no queues, 2 no outbox, 3 no callbacks; what they had is the same.
FORM = 4

TABLES = """
CREATE TABLE IF NOT EXISTS started (
    uuid TEXT PRIMARY KEY, at REAL NOT NULL, number TEXT NOT NULL, account TEXT NOT NULL, trunk TEXT NOT NULL,
    caller TEXT NOT NULL, admitted INTEGER NOT NULL, refusal TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS started_caller ON started (caller, number, at);
CREATE INDEX IF NOT EXISTS started_at ON started (at);
CREATE TABLE IF NOT EXISTS rung (
    hunt TEXT NOT NULL, line TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (hunt, line)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trunks (
    trunk TEXT PRIMARY KEY, up INTEGER NOT NULL, since REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS phones (
    line TEXT PRIMARY KEY, up INTEGER NOT NULL, since REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS talked (
    uuid TEXT PRIMARY KEY, number TEXT NOT NULL, caller TEXT NOT NULL, line TEXT NOT NULL,
    joined_at REAL NOT NULL, ended_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS talked_line ON talked (line, joined_at);
CREATE INDEX IF NOT EXISTS talked_end ON talked (ended_at);
CREATE INDEX IF NOT EXISTS talked_line_end ON talked (line, ended_at);
CREATE INDEX IF NOT EXISTS talked_caller ON talked (caller, number, ended_at);
CREATE TABLE IF NOT EXISTS waiting (
    uuid TEXT PRIMARY KEY, queue TEXT NOT NULL, account TEXT NOT NULL, number TEXT NOT NULL, caller TEXT NOT NULL,
    priority INTEGER NOT NULL, skill TEXT NOT NULL, entered_at REAL NOT NULL, rung TEXT NOT NULL,
    rung_at REAL NOT NULL, owner TEXT NOT NULL, left_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting_left ON waiting (left_at);
CREATE TABLE IF NOT EXISTS resting (line TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signed (
    line TEXT PRIMARY KEY, signed_in INTEGER NOT NULL, since REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, hook TEXT NOT NULL, text TEXT NOT NULL, call TEXT NOT NULL,
    recipient TEXT NOT NULL, at REAL NOT NULL, since REAL NOT NULL, due_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, tried_at REAL NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '',
    claimed_until REAL NOT NULL DEFAULT 0, ended_at REAL NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
    said TEXT NOT NULL DEFAULT '', stored INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (hook, at, id) WHERE ended_at = 0;
CREATE INDEX IF NOT EXISTS outbox_tried ON outbox (hook, tried_at);
CREATE INDEX IF NOT EXISTS outbox_ended ON outbox (ended_at) WHERE ended_at > 0;
CREATE TABLE IF NOT EXISTS callbacks (
    id TEXT PRIMARY KEY, queue TEXT NOT NULL, account TEXT NOT NULL, number TEXT NOT NULL, caller TEXT NOT NULL,
    callee TEXT NOT NULL, trunk TEXT NOT NULL, priority INTEGER NOT NULL, skill TEXT NOT NULL,
    entered_at REAL NOT NULL, asked_at REAL NOT NULL, expires_at REAL NOT NULL, due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, stage TEXT NOT NULL DEFAULT '', legs TEXT NOT NULL DEFAULT '',
    lines TEXT NOT NULL DEFAULT '', since REAL NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '',
    said TEXT NOT NULL DEFAULT '', closed_at REAL NOT NULL DEFAULT 0, ending TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '', closed_by TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1, stored INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS callbacks_open ON callbacks (queue, callee) WHERE closed_at = 0;
CREATE INDEX IF NOT EXISTS callbacks_closed ON callbacks (closed_at) WHERE closed_at > 0;
CREATE INDEX IF NOT EXISTS callbacks_unstored ON callbacks (id) WHERE version > stored;
CREATE TABLE IF NOT EXISTS hooks (id TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS begun (
    uuid TEXT PRIMARY KEY, at REAL NOT NULL, facts TEXT NOT NULL DEFAULT '', noted_at REAL NOT NULL DEFAULT 0,
    joined_at REAL NOT NULL DEFAULT 0, seen_at REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""
#: Tables that came later and need no form of their own: an appliance that does not know them leaves them alone.
LATER = """
CREATE TABLE IF NOT EXISTS signings (
    line TEXT NOT NULL, signed_in INTEGER NOT NULL, at REAL NOT NULL, who TEXT NOT NULL, means TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS signings_at ON signings (at);
CREATE TABLE IF NOT EXISTS tries (
    subject TEXT NOT NULL, at REAL NOT NULL, id TEXT NOT NULL, PRIMARY KEY (subject, at, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS codes (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, code TEXT NOT NULL, prompt TEXT NOT NULL, title TEXT NOT NULL,
    who TEXT NOT NULL, at REAL NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS takes (
    code TEXT PRIMARY KEY, file TEXT NOT NULL, caller TEXT NOT NULL, at REAL NOT NULL,
    ended_at REAL NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 0, fault TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credit_seen (
    one INTEGER PRIMARY KEY CHECK (one = 1), through INTEGER NOT NULL, day TEXT NOT NULL, version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balances (
    account TEXT PRIMARY KEY, amount INTEGER NOT NULL, spent INTEGER NOT NULL, suspended INTEGER NOT NULL,
    low INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS units_used (
    number TEXT NOT NULL, since TEXT NOT NULL, uses TEXT NOT NULL, PRIMARY KEY (number, since)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holds (
    uuid TEXT PRIMARY KEY, account TEXT NOT NULL, number TEXT NOT NULL, amount INTEGER NOT NULL,
    seconds INTEGER NOT NULL, from_answer INTEGER NOT NULL, units TEXT NOT NULL, begun INTEGER NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS holds_account ON holds (account);
CREATE INDEX IF NOT EXISTS holds_number ON holds (number);
"""
#: Rows that waited are written: the copy in memory is emptied. Holds never wait (``store.credit``).
EMPTIED = (
    "DELETE FROM started; DELETE FROM rung; DELETE FROM talked; DELETE FROM trunks; DELETE FROM phones;"
    " DELETE FROM waiting; DELETE FROM resting; DELETE FROM signed; DELETE FROM outbox; DELETE FROM hooks;"
    " DELETE FROM signings; DELETE FROM tries; DELETE FROM codes; DELETE FROM takes;"
    " DELETE FROM callbacks;"
    " DELETE FROM begun;"
)
