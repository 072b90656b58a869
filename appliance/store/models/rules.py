"""What rules refer to: schedules, lists, and the box's own tables over the public calendar and places."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Boolean, Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base


class Schedule(Base):
    """When somebody is there; hours are ``HH:MM-HH:MM`` of Asia/Shanghai."""

    __tablename__ = "schedules"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(200), default="")
    #: Weekday (``mon``) → hours; days that are not named are closed.
    week: Mapped[dict[str, list[str]]] = mapped_column(JSON)
    works_holidays: Mapped[bool] = mapped_column(Boolean, default=False)
    #: The weekday whose hours a worked weekend has.
    makeup_as: Mapped[str] = mapped_column(String(3), default="mon")
    #: Date (``2026-12-31``) → hours, none: closed.
    own_days: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)


class NumberList(Base):
    """A black or white list, by its use; what it holds is in ``list_entries``."""

    __tablename__ = "number_lists"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(200), default="")


class ListEntry(Base):
    """One entry, as ``domain.lists`` keeps it."""

    __tablename__ = "list_entries"

    list_id: Mapped[str] = mapped_column(ForeignKey("number_lists.id", ondelete="CASCADE"), primary_key=True)
    entry: Mapped[str] = mapped_column(String(30), primary_key=True)


class CalendarDay(Base):
    """A day that the public calendar has otherwise, or not yet: workday, weekend, holiday or makeup."""

    __tablename__ = "calendar_days"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))


class Region(Base):
    """Where callers of an area code, or of a mobile segment, call from. ``city`` empty: the province alone."""

    __tablename__ = "regions"

    prefix: Mapped[str] = mapped_column(String(11), primary_key=True)
    province: Mapped[str] = mapped_column(String(20))
    city: Mapped[str] = mapped_column(String(20), default="")
