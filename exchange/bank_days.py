"""Days on which banks settle in Japan, and on which the exchange works. Pure."""

from datetime import date, timedelta

import jpholiday


def is_bank_day(day: date) -> bool:
    """Whether banks settle: no weekend, no holiday, not 12/31 to 1/3 (銀行法施行令5条)."""
    year_end = (day.month, day.day) in {(12, 31), (1, 1), (1, 2), (1, 3)}
    return day.weekday() < 5 and not year_end and not jpholiday.is_holiday(day)


def bank_day_before(day: date) -> date:
    """The day itself if banks settle on it, else the last such day before it."""
    while not is_bank_day(day):
        day -= timedelta(days=1)
    return day


def bank_day_after(day: date) -> date:
    """The first day after `day` on which banks settle."""
    day += timedelta(days=1)
    while not is_bank_day(day):
        day += timedelta(days=1)
    return day


def bank_days_after(day: date, count: int) -> date:
    """The bank day that is so many bank days after a day."""
    for _ in range(count):
        day = bank_day_after(day)
    return day
