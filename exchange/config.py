"""Settings of the process, read once from the environment and, where services are embedded, from the home folder."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import click


class ConfigError(click.ClickException):
    """A setting is missing or makes no sense; the message says which and what to do, on the command line in one line."""


STRIPE_API_BASE, STRIPE_PAGES = "https://api.stripe.com", "https://checkout.stripe.com"


@dataclass(frozen=True, kw_only=True, repr=False)
class Config:
    """Everything the process was told from outside. Never printed: it holds secrets."""

    home: Path
    port: int
    url: str
    database_url: str
    s3_endpoint_url: str | None
    s3_public_url: str | None
    s3_bucket: str
    s3_region: str
    s3_access_key: str | None
    s3_secret_key: str | None
    secret_key: str
    gate_secret: str | None  # shared with our own gateway; None: reads of the bucket pass no gate
    seal_certificate: Path | None
    seal_key: Path | None
    smtp_url: str | None
    mail_sender: str
    stripe_api_key: str | None  # None: nobody pays through Stripe, bank transfer remains
    stripe_webhook_secret: str | None
    stripe_api_base: str
    metrics_token: str | None
    clock_offset_days: int
    embedded_database: bool
    embedded_storage: bool
    demo: bool
    trusted_proxies: int
    log_source: str  # what writes the access logs that metering reads
    log_location: str | None  # a folder or s3://bucket/prefix; None: where the embedded gateway writes
    sts_role_arn: str | None  # the role whose sessions sign links of managed storage, one a contract; None: our own key
    sts_endpoint_url: str | None
    iam_endpoint_url: str | None
    revoke_sessions: bool  # deny sessions of ended contracts by a policy of that role
    private_buckets: bool  # holders' buckets may lie in a private network and speak http

    @property
    def payment_pages(self) -> list[str]:
        """The origins that a payment button leads to."""
        if not self.stripe_api_key:
            return []
        return [STRIPE_PAGES if self.stripe_api_base == STRIPE_API_BASE else self.stripe_api_base]

    @property
    def access_log_dir(self) -> Path:
        """Where the embedded gateway writes its access log."""
        return self.home / "access-logs"


# Nobody answers there: `backup` also works on a home at rest, and starts what it needs by itself.
AT_REST = {
    "database_url": "postgresql+psycopg://",
    "s3_endpoint_url": "http://127.0.0.1:9",
    "s3_access_key": "none",
    "s3_secret_key": "none",
    "secret_key": "-" * 32,
}


def load(env: dict[str, str], *, at_rest: bool = False) -> Config:
    """Read the settings; raises `ConfigError` when a service is neither named nor running embedded, nor may rest."""
    home = Path(env.get("EXCHANGE_HOME") or "./var").resolve()
    embedded = (AT_REST if at_rest else {}) | _embedded(home)
    port = int(env.get("PORT") or embedded.get("port") or 8000)
    database_url = _psycopg(env.get("DATABASE_URL") or "") or embedded.get("database_url")
    if not database_url:
        raise ConfigError(
            f"no database: set DATABASE_URL, or start the embedded one with `make run` (EXCHANGE_HOME={home})"
        )
    own_storage = env.get("S3_ENDPOINT_URL") or env.get("S3_BUCKET")
    if not own_storage and not embedded.get("s3_endpoint_url"):
        raise ConfigError(
            "no object storage: set S3_ENDPOINT_URL and S3_BUCKET, or start the embedded one with `make run`"
        )
    secret_key = env.get("SECRET_KEY") or embedded.get("secret_key") or ""
    if len(secret_key) < 32:
        raise ConfigError("SECRET_KEY must be set to at least 32 random characters")
    offset = int(env.get("CLOCK_OFFSET_DAYS") or 0)
    if offset and env.get("DATABASE_URL"):
        raise ConfigError("CLOCK_OFFSET_DAYS is for the embedded database only")
    if bool(env.get("SEAL_CERTIFICATE")) != bool(env.get("SEAL_KEY")):
        raise ConfigError("SEAL_CERTIFICATE and SEAL_KEY belong together; set both or neither")
    return Config(
        home=home,
        port=port,
        url=(env.get("EXCHANGE_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        database_url=database_url,
        s3_endpoint_url=env.get("S3_ENDPOINT_URL") if own_storage else embedded["s3_endpoint_url"],
        s3_public_url=(env.get("S3_PUBLIC_URL") or (env.get("S3_ENDPOINT_URL") if own_storage else None)),
        s3_bucket=env.get("S3_BUCKET") or embedded.get("s3_bucket") or "objects",
        s3_region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1",
        s3_access_key=env.get("AWS_ACCESS_KEY_ID") if own_storage else embedded["s3_access_key"],
        s3_secret_key=env.get("AWS_SECRET_ACCESS_KEY") if own_storage else embedded["s3_secret_key"],
        secret_key=secret_key,
        gate_secret=None if own_storage else embedded.get("gate_secret"),
        seal_certificate=_file(env.get("SEAL_CERTIFICATE")),
        seal_key=_file(env.get("SEAL_KEY")),
        smtp_url=env.get("SMTP_URL") or None,
        mail_sender=env.get("MAIL_SENDER") or "no-reply@exchange.example",
        stripe_api_key=env.get("STRIPE_API_KEY") or None,
        stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET") or None,
        stripe_api_base=(env.get("STRIPE_API_BASE") or STRIPE_API_BASE).rstrip("/"),
        metrics_token=env.get("METRICS_TOKEN") or None,
        clock_offset_days=offset,
        embedded_database=not env.get("DATABASE_URL"),
        embedded_storage=not own_storage,
        demo=env.get("DEMO", "1") != "0",
        trusted_proxies=int(env.get("TRUSTED_PROXIES") or 1),
        log_source=_log_source(env, is_embedded=not own_storage),
        log_location=env.get("LOG_LOCATION") or None,
        sts_role_arn=_sts_role_arn(env, is_embedded=not own_storage),
        sts_endpoint_url=env.get("STS_ENDPOINT_URL") or None,
        iam_endpoint_url=env.get("IAM_ENDPOINT_URL") or None,
        revoke_sessions=env.get("STS_REVOKE_SESSIONS") == "1",
        private_buckets=env.get("BUCKETS_ON_PRIVATE_NETWORKS") == "1",
    )


def _sts_role_arn(env: dict[str, str], *, is_embedded: bool) -> str | None:
    arn = env.get("STS_ROLE_ARN") or None
    if arn and is_embedded:
        raise ConfigError("STS_ROLE_ARN is for a bucket of AWS: reads of the embedded store pass the gate")
    if arn and not re.fullmatch(r"arn:aws:iam::[0-9]{12}:role/[\w+=,.@/-]{1,128}", arn):
        raise ConfigError("STS_ROLE_ARN must look like arn:aws:iam::123456789012:role/NAME")
    if env.get("STS_REVOKE_SESSIONS") == "1" and not arn:
        raise ConfigError("STS_REVOKE_SESSIONS needs STS_ROLE_ARN, the role whose sessions are revoked")
    return arn


LOG_SOURCES = ("gateway", "s3-access", "s3-json", "cloudfront")


def _log_source(env: dict[str, str], *, is_embedded: bool) -> str:
    source = env.get("LOG_SOURCE") or "gateway"
    if source not in LOG_SOURCES:
        raise ConfigError(f"LOG_SOURCE must be one of {', '.join(LOG_SOURCES)}")
    if is_embedded and source != "gateway":
        raise ConfigError("LOG_SOURCE is for a store of your own: the embedded one is read through the gateway's log")
    if source != "gateway" and not env.get("LOG_LOCATION"):
        raise ConfigError(f"LOG_LOCATION must say where {source} logs are delivered: a folder or s3://bucket/prefix")
    return source


def _embedded(home: Path) -> dict[str, Any]:
    """What the running embedded services wrote down, or nothing."""
    try:
        found: dict[str, Any] = json.loads((home / "run" / "embedded.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def _file(path: str | None) -> Path | None:
    return Path(path).resolve() if path else None


def _psycopg(url: str) -> str:
    """The SQLAlchemy address of a PostgreSQL URL as operators write it."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


@lru_cache(maxsize=1)
def config() -> Config:
    """The settings of this process, read on first use."""
    return load(dict(os.environ), at_rest="backup" in sys.argv[1:])
