"""What the operator of this exchange sets on /desk/settings: its name, its bank account, fees, deadlines."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Mapped

from exchange import audit
from exchange.database import Base, Id, session


def _fees() -> dict[str, int]:
    return {"company": 10, "municipality": 0, "npo": 10, "university": 10}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings in force. Fees in percent of the price without tax; periods in days."""

    operator_name: str = "仲立ちデータ取引市場 運営事務局"
    operator_address: str = ""
    operator_registration_number: str | None = None
    contact_email: str = "support@exchange.example"
    bank_account: dict[str, str] = field(default_factory=dict)
    consignor_code: str = ""
    fee_percent: dict[str, int] = field(default_factory=_fees)
    due_days: int = 30
    grace_days: int = 14
    approval_days: int = 2
    transfer_charge_max_jpy: int = 880  # a payment short by at most this may be short by the bank's charge
    keep_years: int = 10  # of papers, from the day on which the return for their fiscal year is due
    fiscal_year_end_month: int = 3


class SettingsVersion(Base):
    """One saved version of the settings; the newest is in force, the others are history."""

    __tablename__ = "settings_version"

    id: Mapped[Id]
    at: Mapped[datetime]
    actor: Mapped[str | None]
    values: Mapped[dict[str, Any]]


def current() -> Settings:
    """The settings in force."""
    values = session.scalar(select(SettingsVersion.values).order_by(SettingsVersion.id.desc()).limit(1)) or {}
    known = {f.name for f in fields(Settings)}
    return Settings(**{key: value for key, value in values.items() if key in known})


def save(new: Settings, *, actor: str | None, at: datetime) -> None:
    """Put new settings in force; the log names which changed, not secret values."""
    before, after = asdict(current()), asdict(new)
    session.add(SettingsVersion(values=after, actor=actor, at=at))
    session.flush()
    changed = sorted(key for key in after if after[key] != before[key])
    audit.record("settings.save", actor=actor, subject="settings", at=at, detail={"changed": changed})


def history(*, limit: int = 10) -> list[SettingsVersion]:
    """The versions saved so far, the newest first."""
    return list(session.scalars(select(SettingsVersion).order_by(SettingsVersion.id.desc()).limit(limit)))
