"""Timed work: the meter reads the logs, is watched, and is compared with what really lies there."""

from datetime import datetime, timedelta
from typing import Any

from delivery import actions, provisions, queries, reconciling, warning, watching
from exchange.config import config
from exchange.errors import text
from exchange.jobs import enqueue, handler, periodic
from listings.queries import open_place_ids

LISTED_EVERY = timedelta(minutes=1)  # a bucket; a folder costs nothing to look at
_bucket: dict[str, datetime] = {}


@periodic(queries.READING, seconds=1, title=text("アクセスログの読み取り"))
def read_access_logs(*, at: datetime) -> None:
    """Count what was delivered since the last run."""
    in_bucket = (config().log_location or "").startswith("s3://")
    if in_bucket and at < _bucket.get("next", at):
        return
    done = actions.read_access_logs(at=at)
    if in_bucket and done.is_complete:
        _bucket["next"] = at + LISTED_EVERY


@periodic("read-place-logs", seconds=60, title=text("提供者の保管場所のアクセスログの読み取り"))
def read_place_logs(*, at: datetime) -> None:
    """Have the logs of holders' own buckets read, each by itself: one that is slow holds up no other."""
    for place_id in open_place_ids(with_log=True):
        enqueue("read-place-log", {"place_id": place_id}, at=at, key=f"read-place-log/{place_id}")


@handler("read-place-log")
def read_place_log(payload: dict[str, Any], *, at: datetime) -> None:
    """Count what one of them holds."""
    actions.read_place_log(payload["place_id"], at=at)


@handler("compare-place")
def compare_place(payload: dict[str, Any], *, at: datetime) -> None:
    """Compare the objects in a holder's own bucket with what was listed."""
    reconciling.compare_place(payload["place_id"], at=at)


@periodic("revoke-identities", seconds=2, title=text("終了した契約の署名の取り消し"))
def revoke_identities(*, at: datetime) -> None:
    """Deny the role sessions of contracts that ended, where the exchange signs with sessions."""
    actions.revoke_identities(at=at)


@periodic("watch-meter", seconds=60, title=text("計量の遅れの監視"))
def watch_meter(*, at: datetime) -> None:
    """Tell administrators, once, when the meter lags; keep delivered logs telling of something."""
    watching.watch(at=at)
    watching.pulse(at=at)


@periodic("reconcile-delivery", seconds=3_600, title=text("引渡しの照合"))
def reconcile_delivery(*, at: datetime) -> None:
    """Once a day, compare links, lines, objects and log files, and keep what does not agree."""
    reconciling.reconcile_daily(at=at)


@periodic("warn-limits", seconds=60, title=text("利用の上限の予告"))
def warn_limits(*, at: datetime) -> None:
    """Tell buyers, once each, that a limit of theirs or a quota nears or is reached."""
    warning.warn(at=at)


@periodic("keep-provision-records", seconds=60, title=text("第三者提供の記録の作成"))
def keep_provision_records(*, at: datetime) -> None:
    """Make both sides' records of data about persons that left."""
    provisions.keep(at=at)


@periodic("purge-provision-records", seconds=3_600, title=text("保存期間を過ぎた第三者提供の記録の消去"))
def purge_provision_records(*, at: datetime) -> None:
    """Take away the records whose term is over."""
    provisions.purge(at=at)
