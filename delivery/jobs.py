"""Timed work: the meter reads the gateway's log every second."""

from datetime import datetime

from delivery import actions, queries
from exchange.config import config
from exchange.errors import text
from exchange.jobs import periodic


@periodic(queries.READING, seconds=1, title=text("アクセスログの読み取り"))
def read_access_logs(*, at: datetime) -> int:
    """Count what was delivered since the last run."""
    return actions.read_access_logs(at=at) if config().embedded_storage else 0
