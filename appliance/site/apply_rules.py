"""Schedules, lists, and the box's own calendar and regions of a file into the store."""

from __future__ import annotations

from datetime import date
from functools import partial

from sqlalchemy import delete, select

from appliance.domain.places import plain, plain_city
from appliance.site.merge import Action, Merge
from appliance.site.schema import ListPart
from appliance.store.models import CalendarDay, ListEntry, NumberList, Region, Schedule

#: Entries that are named in one statement; PostgreSQL takes 65,535 values.
_AT_ONCE = 1000


def merge_schedules(merge: Merge) -> None:
    """Office hours."""
    stored = {row.id: row for row in merge.session.scalars(select(Schedule))}
    for part in merge.document.site.schedules:
        values = {
            "account_id": part.account,
            "name": part.name,
            "week": part.by_weekday(),
            "works_holidays": part.holidays == "open",
            "makeup_as": part.makeup,
            "own_days": dict(part.days),
        }
        merge.put("schedule", part.id, stored.get(part.id), partial(Schedule, id=part.id), values)
    merge.session.flush()


def merge_lists(merge: Merge) -> None:
    """Black and white lists; a list holds afterwards what the file says."""
    stored = {row.id: row for row in merge.session.scalars(select(NumberList))}
    for part in merge.document.site.lists:
        row = stored.get(part.id)
        values = {"account_id": part.account, "name": part.name}
        merge.put("list", part.id, row, partial(NumberList, id=part.id), values)
        merge.session.flush()  # its entries refer to it
        _entries(merge, part, is_new=row is None)
    merge.session.flush()


def _entries(merge: Merge, part: ListPart, *, is_new: bool) -> None:
    there = set(merge.session.scalars(select(ListEntry.entry).where(ListEntry.list_id == part.id)))
    wanted = set(part.entries)
    gone, new = there - wanted, wanted - there
    leaving = sorted(gone)
    for start in range(0, len(leaving), _AT_ONCE):
        some = leaving[start : start + _AT_ONCE]
        merge.session.execute(delete(ListEntry).where(ListEntry.list_id == part.id, ListEntry.entry.in_(some)))
    merge.session.add_all(ListEntry(list_id=part.id, entry=entry) for entry in sorted(new))
    if (gone or new) and not is_new:
        merge.note(Action.CHANGED, "list", part.id, f"{len(new)} entries more, {len(gone)} less")


def merge_calendar(merge: Merge) -> None:
    """The box's own table over the public calendar."""
    stored = {row.day: row for row in merge.session.scalars(select(CalendarDay))}
    for written, kind in merge.document.site.calendar.items():
        day = date.fromisoformat(written)
        merge.put("calendar day", written, stored.get(day), partial(CalendarDay, day=day), {"kind": kind})
    merge.session.flush()


def merge_regions(merge: Merge) -> None:
    """The box's own table over the public places."""
    stored = {row.prefix: row for row in merge.session.scalars(select(Region))}
    for prefix, place in merge.document.site.regions.items():
        province, _, city = place.partition("/")
        values = {"province": plain(province), "city": plain_city(city) if city else ""}
        merge.put("region", prefix, stored.get(prefix), partial(Region, prefix=prefix), values)
    merge.session.flush()
