"""All tables, by subject."""

from appliance.store.models.accounts import Account, AccountSuspension, Operator, Role
from appliance.store.models.base import Base
from appliance.store.models.bills import Bill, BilledCorrection, NumberMove, TaxInvoice
from appliance.store.models.calls import Call, CallLeg, Charge, SetAside
from appliance.store.models.costs import LegCost, TrunkCost
from appliance.store.models.flows import Flow, FlowDraft, FlowPublication, FlowVersion, in_force
from appliance.store.models.hooks import Hook, Notification
from appliance.store.models.ledger import (
    ClosedMonth,
    Correction,
    CorrectionItem,
    LedgerBalance,
    LedgerPosting,
    LedgerSeal,
    Settlement,
)
from appliance.store.models.plans import Plan, Price, Subscription
from appliance.store.models.prompts import Prompt
from appliance.store.models.queues import Callback, Queue, QueueStay
from appliance.store.models.recordings import Recording, RecordingAccess
from appliance.store.models.routing import Line, Number, Trunk
from appliance.store.models.rules import CalendarDay, ListEntry, NumberList, Region, Schedule
from appliance.store.models.signings import LineSigning
from appliance.store.models.site import SiteState
from appliance.store.models.tasks import Task, TaskEvent

__all__ = [
    "Account",
    "AccountSuspension",
    "Base",
    "Bill",
    "BilledCorrection",
    "CalendarDay",
    "Call",
    "CallLeg",
    "Callback",
    "Charge",
    "ClosedMonth",
    "Correction",
    "CorrectionItem",
    "Flow",
    "FlowDraft",
    "FlowPublication",
    "FlowVersion",
    "Hook",
    "LedgerBalance",
    "LedgerPosting",
    "LedgerSeal",
    "LegCost",
    "Line",
    "LineSigning",
    "ListEntry",
    "Notification",
    "Number",
    "NumberList",
    "NumberMove",
    "Operator",
    "Plan",
    "Price",
    "Prompt",
    "Queue",
    "QueueStay",
    "Recording",
    "RecordingAccess",
    "Region",
    "Role",
    "Schedule",
    "SetAside",
    "Settlement",
    "SiteState",
    "Subscription",
    "Task",
    "TaskEvent",
    "TaxInvoice",
    "Trunk",
    "TrunkCost",
    "in_force",
]
