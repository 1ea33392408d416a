"""Whether the meter runs: what administrators see of it, and the letter they get, once, when it lags."""

from __future__ import annotations

import urllib.request
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from delivery import presigning, queries
from delivery.models import Difference, LogReading
from exchange import clock, storage
from exchange.config import config
from exchange.database import session
from exchange.errors import N_, text
from exchange.identity.actions import notify_operators
from exchange.web.watch import Reading
from listings.queries import unread_logs_count

LAG_SECONDS_MAX = 3_600
PULSE_MINUTES = 10
PULSE_TIMEOUT_SECONDS = 5


def watch(*, at: datetime) -> None:
    """Write to administrators when the lag passes an hour; again only after it was below in between."""
    lag = queries.log_lag(at=at)
    warned = session.scalar(select(LogReading.warned_at).where(LogReading.source == config().log_source))
    lags = lag.seconds is not None and lag.seconds > LAG_SECONDS_MAX
    if lags and warned is None:
        _warned_at(at, at)
        _warn(lag, at)
    elif warned is not None and not lags:
        _warned_at(None, at)


def _warned_at(moment: datetime | None, at: datetime) -> None:
    note = insert(LogReading).values(source=config().log_source, since=at, behind=False, warned_at=moment)
    session.execute(note.on_conflict_do_update(index_elements=["source"], set_={"warned_at": moment}))


def _warn(lag: queries.LogLag, at: datetime) -> None:
    newest = lag.newest_line_at
    notify_operators(
        roles=("system",),
        title=text("アクセスログの読み取りが遅れています"),
        body=text(
            "引渡しの計量が %(minutes)s 分遅れています。最後に読んだ行の時刻は %(newest)s です。遅れているあいだ、利用量と上限の判定は実際より少なく、月は締められません。",
            minutes=f"{int((lag.seconds or 0) // 60):,}",
            newest=f"{newest.astimezone(clock.JST):%Y-%m-%d %H:%M}" if newest else "–",
        ),
        path="/desk/operations",
        at=at,
    )


def pulse(*, at: datetime) -> None:
    """Ask the store for something that is not there, so that a delivered log has a line to tell that it lives."""
    if config().log_source == "gateway" or at.minute % PULSE_MINUTES:
        return
    place = presigning.place(storage.public_origin())
    asked = urllib.request.Request(f"{place.origin}{place.path}pulse", method="HEAD")
    with suppress(OSError):  # the refusal is the answer, and silence shows as a lag
        urllib.request.urlopen(asked, timeout=PULSE_TIMEOUT_SECONDS).close()


def readings(at: datetime) -> list[Reading]:
    """Lag, age of the newest line, lines set aside, holders' logs not read, open differences: for the operations page and the metrics."""
    lag = queries.log_lag(at=at)
    age = max(0.0, (at - lag.newest_line_at).total_seconds()) if lag.newest_line_at else None
    aside = sum(lag.set_aside.values())
    unread = unread_logs_count(before=at - timedelta(seconds=LAG_SECONDS_MAX))
    open_ = session.scalar(select(func.count(Difference.id)).where(Difference.seen_at.is_(None))) or 0
    return [
        Reading(
            "exchange_log_lag_seconds",
            text(N_("アクセスログの読み取りの遅れ")),
            lag.seconds,
            text(N_("%(n)s秒"), n=f"{lag.seconds:,.0f}") if lag.seconds is not None else "–",
            in_order=lag.seconds is None or lag.seconds <= LAG_SECONDS_MAX,
        ),
        Reading(
            "exchange_log_newest_line_age_seconds",
            text(N_("最後に読んだ行からの時間")),
            age,
            text(N_("%(n)s秒"), n=f"{age:,.0f}") if age is not None else "–",
        ),
        Reading(
            "exchange_log_lines_set_aside", text(N_("計量から除いた行")), aside, text(N_("%(n)s件"), n=f"{aside:,}")
        ),
        Reading(
            "exchange_place_logs_unread",
            text(N_("1時間以上アクセスログを読めていない提供者の保管場所")),
            unread,
            text(N_("%(n)s件"), n=f"{unread:,}"),
            in_order=unread == 0,
        ),
        Reading(
            "exchange_delivery_differences_open",
            text(N_("引渡しの照合で見つかった差異")),
            open_,
            text(N_("%(n)s件"), n=f"{open_:,}"),
            in_order=open_ == 0,
        ),
    ]
