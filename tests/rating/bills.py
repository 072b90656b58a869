"""A bill with everything on it."""

from __future__ import annotations

from datetime import datetime

from appliance.domain.bills import Item, LineKind, Usage, lines_of, totals
from appliance.domain.grants import SHANGHAI, Allowance, statement
from appliance.domain.pricing import ChargeBy
from appliance.rating.bill.document import Document, GrantLine, Movement, Party, PriceLine

OCTOBER = 2026 * 12 + 9
#: What a spreadsheet would compute, and what a page would show as its own.
EVIL = '=HYPERLINK("http://x")'
MARKS = "<b>甲</b> & 乙"


def whole_bill() -> Document:
    """Two numbers, a month's grants that roll over, a minimum, a late call and a correction."""
    usages = [
        Usage(
            "4008001234",
            "roll",
            "滚存套餐",
            ChargeBy.TIME,
            100_000_000,
            1523,
            90211,
            95220,
            15000,
            80220,
            165_063_211,
        ),
        Usage("4006543210", "call", MARKS, ChargeBy.CALL, 30_000_000, 52, 5210, 52, 0, 52, 18_200_000),
    ]
    items = [
        Item(LineKind.LATE, "4008001234", "2026-09", 350_000, 1),
        Item(LineKind.CORRECTION, "4006543210", EVIL, -700_000, 2),
    ]
    lines = lines_of(usages, items)
    used = [(OCTOBER - 2, 200), (OCTOBER - 1, 3400), (OCTOBER, 95220)]
    grants = statement(Allowance(2026 * 12, 6000, 2), used, OCTOBER)
    return Document(
        number="ZD00000017",
        month=OCTOBER,
        account="acme",
        customer=Party("示例制造（上海）有限公司", "91310000MA1K000000", "上海市示例路 100 号", "021-55550000"),
        issuer=Party("示例通信服务有限公司"),
        issued_at=_at("2026-11-02"),
        lines=lines,
        totals=totals(lines, 600),
        tax_bp=600,
        grants=tuple(GrantLine("4008001234", "滚存套餐", ChargeBy.TIME, use) for use in grants),
        prices=(PriceLine("4006543210", MARKS, ChargeBy.CALL, "2026-01-01T00:00:00+08:00", 52, 52, 18_200_000),),
        movements=(Movement("期初余额", 50_000), Movement("期末余额", 30_506)),
    )


def _at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)
