"""The only room that reads the clock. Business time may run ahead (CLOCK_OFFSET_DAYS); real time never does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from exchange.config import config

JST = ZoneInfo("Asia/Tokyo")


def real_now() -> datetime:
    """Now, for signatures, sessions and tokens, which other machines check against their own clocks."""
    return datetime.now(UTC)


def now() -> datetime:
    """Now in business time, in Japan: contracts, invoices, deadlines."""
    return (real_now() + timedelta(days=config().clock_offset_days)).astimezone(JST)


def today() -> date:
    """Today's date in Japan's calendar."""
    return now().date()


def day_of(at: datetime) -> date:
    """The day of a moment in Japan."""
    return at.astimezone(JST).date()


def words(day: date) -> str:
    """A date as Japanese papers write it: `2026年11月23日`."""
    return f"{day.year}年{day.month}月{day.day}日"


def month_of(at: datetime) -> str:
    """The month in Japan that a moment falls into, as `YYYY-MM`."""
    return at.astimezone(JST).strftime("%Y-%m")


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """[since, until) of a month `YYYY-MM`: midnight in Japan to midnight in Japan. Raises ValueError otherwise."""
    since = datetime.strptime(month, "%Y-%m").replace(tzinfo=JST)
    until = (since.replace(day=1) + timedelta(days=32)).replace(day=1)
    return since, until
