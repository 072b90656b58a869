"""What stands on a bill, ready to be set: texts, and the words for its figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.domain.bills import BillLine, LineKind, Totals
from appliance.domain.closing import month_name
from appliance.domain.grants import SHANGHAI, GrantUse, month_start
from appliance.domain.minimums import Asked
from appliance.domain.pricing import ChargeBy

KINDS = {
    LineKind.CALLS: "通话费",
    LineKind.MINIMUM: "最低消费补足",
    LineKind.LATE: "以前月份的迟到话单",
    LineKind.MINIMUM_LATE: "以前月份的最低消费补足",
    LineKind.CORRECTION: "更正",
}
#: What the head calls a credit note's reason.
BECAUSE = "更正原因"
#: It looks like an invoice and is none (发票管理办法).
NO_INVOICE = "本账单为消费结算凭据，不作为发票使用。金额均为含税价。"


@dataclass(frozen=True, slots=True)
class Party:
    """Who issues a bill, or whom it is for, as a tax invoice would name him. Empty: not known."""

    name: str
    tax_number: str = ""
    address: str = ""
    phone: str = ""
    bank: str = ""
    bank_account: str = ""


@dataclass(frozen=True, slots=True)
class GrantLine:
    """What became of a grant in the bill's month."""

    number: str
    plan_name: str
    charge_by: ChargeBy
    use: GrantUse


@dataclass(frozen=True, slots=True)
class PriceLine:
    """Charges of a subscription by the price that they were made by. ``amount`` in millionths of a yuan."""

    number: str
    plan_name: str
    charge_by: ChargeBy
    price_from: str
    calls: int
    charged_units: int
    amount: int


@dataclass(frozen=True, slots=True)
class Movement:
    """What the account's ledger did in the month. ``amount`` in fen, below 0 where the account owes it."""

    text: str
    amount: int


@dataclass(frozen=True, slots=True)
class Document:
    """A bill, or a credit note (``corrects`` names the bill then).

    :param month: as ``grants.month_of`` has it.
    :param tax_invoice: number of the tax invoice (发票) that the tax system issued; empty: none yet.
    :param minimums: what is asked of numbers at the least, whether it adds anything or not.
    :param movements: opening balance first, closing balance last; empty: no ledger is shown.
    """

    number: str
    month: int
    account: str
    customer: Party
    issuer: Party
    issued_at: datetime
    lines: tuple[BillLine, ...]
    totals: Totals
    tax_bp: int
    grants: tuple[GrantLine, ...] = ()
    prices: tuple[PriceLine, ...] = ()
    movements: tuple[Movement, ...] = ()
    tax_invoice: str = ""
    corrects: str = ""
    because: str = ""
    minimums: tuple[Asked, ...] = ()

    @property
    def title(self) -> str:
        """What it is."""
        return "400 电话业务红字账单" if self.corrects else "400 电话业务账单"

    @property
    def head(self) -> list[tuple[str, str]]:
        """Number, month, day; what it corrects, and the tax invoice, where there are such."""
        local = self.issued_at.astimezone(SHANGHAI)
        known = [
            ("账单编号", self.number),
            ("账期", period(self.month)),
            ("出账日期", f"{local:%Y-%m-%d}"),
            ("更正账单", self.corrects),
            (BECAUSE, self.because),
            ("发票号码", self.tax_invoice),
        ]
        return [(name, value) for name, value in known if value]


def party(one: Party) -> list[tuple[str, str]]:
    """The lines of somebody's block; what is not known is left out."""
    known = [
        ("名称", one.name),
        ("纳税人识别号", one.tax_number),
        ("地址、电话", " ".join(part for part in (one.address, one.phone) if part)),
        ("开户行及账号", " ".join(part for part in (one.bank, one.bank_account) if part)),
    ]
    return [(name, value) for name, value in known if value]


def period(month: int) -> str:
    """A month's days.

    >>> period(2028 * 12 + 1)
    '2028-02-01 至 2028-02-29'
    """
    last = (month_start(month + 1).toordinal() - 1) - month_start(month).toordinal() + 1
    return f"{month_name(month)}-01 至 {month_name(month)}-{last:02}"


def unit_name(charge_by: ChargeBy | None) -> str:
    """What a plan counts in."""
    return "" if charge_by is None else "次" if charge_by is ChargeBy.CALL else "秒"


def units(charge_by: ChargeBy | None, count: int) -> str:
    """Units in words.

    >>> units(ChargeBy.CALL, 1200), units(ChargeBy.TIME, 3000), units(ChargeBy.TIME, 75), units(ChargeBy.TIME, 0)
    ('1,200 次', '50 分', '1 分 15 秒', '–')
    """
    if charge_by is None:
        return ""
    if not count:
        return "–"
    if charge_by is ChargeBy.CALL:
        return f"{count:,} 次"
    minutes, seconds = divmod(count, 60)
    if not seconds:
        return f"{minutes:,} 分"
    return f"{minutes:,} 分 {seconds} 秒" if minutes else f"{seconds} 秒"


def yuan(fen: int) -> str:
    """
    >>> yuan(123456), yuan(-5)
    ('1,234.56', '-0.05')
    """
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02}"


def rate(tax_bp: int) -> str:
    """
    >>> rate(600), rate(1300), rate(650)
    ('6%', '13%', '6.5%')
    """
    whole, rest = divmod(tax_bp, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") + "%"


def what(line: BillLine) -> str:
    """What a line is for, with its plan or its own words."""
    return f"{KINDS[line.kind]}：{line.text}" if line.text else KINDS[line.kind]
