"""The IVR graph: node types, exits, references, and what is wrong with a graph."""

from __future__ import annotations

from appliance.domain.flow.asking import Collect, Dial, Menu, Survey
from appliance.domain.flow.fields import exits_of, fields_of, prompts_of, references_of
from appliance.domain.flow.graph import BUILT_IN, Fault, Flow, parse, same
from appliance.domain.flow.kinds import KEYS, PLACEHOLDER, Section
from appliance.domain.flow.node import Node
from appliance.domain.flow.nodes import (
    CAUSES,
    TYPES,
    Assign,
    Enqueue,
    HangUp,
    Hours,
    Lookup,
    Message,
    Play,
    Region,
    Return,
    Ring,
    Say,
    Subflow,
    Switch,
    Vip,
    Voicemail,
)
from appliance.domain.flow.service import Service

__all__ = [
    "BUILT_IN",
    "CAUSES",
    "KEYS",
    "PLACEHOLDER",
    "TYPES",
    "Assign",
    "Collect",
    "Dial",
    "Enqueue",
    "Fault",
    "Flow",
    "HangUp",
    "Hours",
    "Lookup",
    "Menu",
    "Message",
    "Node",
    "Play",
    "Region",
    "Return",
    "Ring",
    "Say",
    "Section",
    "Service",
    "Subflow",
    "Survey",
    "Switch",
    "Vip",
    "Voicemail",
    "exits_of",
    "fields_of",
    "parse",
    "prompts_of",
    "references_of",
    "same",
]
