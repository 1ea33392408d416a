"""Ending the sessions of contracts that ended: on AWS a deny, by session name and time of issue, on the exchange's role.

What AWS says of it: a policy change is in force after it has spread, usually within seconds, and nobody promises how many.
What holds in any case: nothing new is signed, and what was signed ends within its own life, 15 minutes at most.

Sources: AWS, "Revoking IAM role temporary security credentials", "Disabling permissions for temporary security
credentials", "aws:userid".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert

import contracts.rules
from contracts.models import Contract
from delivery import identities
from delivery.models import IdentityRevocation
from exchange import audit, sts
from exchange.config import config
from exchange.database import lock, session
from exchange.errors import Unavailable, text

POLICY_NAME = "revoked-contracts"
POLICY_LENGTH_MAX = 9_000  # AWS lets all inline policies of a role have 10,240 characters together
DENIED_FOR = timedelta(seconds=4 * sts.SESSION_SECONDS)  # no session lives so long
MOST = 500


class RevocationRefused(Unavailable):
    """IAM did not take the policy that denies ended contracts."""


_RUNNING = sql("""
SELECT contract_id, max(issued_at) AS issued_at FROM delivery_grant
WHERE id >= :first_id AND expires_at > :real_at AND contract_id IS NOT NULL GROUP BY contract_id
""")


def revoke_ended(*, at: datetime, real_at: datetime, first_id: str) -> list[str]:
    """Deny the sessions of contracts under which links still run though nothing is due any more; their ids.

    Safe to run twice. Without STS_REVOKE_SESSIONS it does nothing: links then end by their own time.
    """
    if not config().revoke_sessions:
        return []
    lock("revoke-sessions")
    running = {
        row.contract_id: row.issued_at for row in session.execute(_RUNNING, {"first_id": first_id, "real_at": real_at})
    }
    ended = [
        contract_id for contract_id in _not_due(running, at) if _is_new(contract_id, running[contract_id], at, real_at)
    ]
    for contract_id in ended[:MOST]:
        note = insert(IdentityRevocation).values(contract_id=contract_id, revoked_at=real_at)
        session.execute(note.on_conflict_do_update(index_elements=["contract_id"], set_={"revoked_at": real_at}))
        audit.record("contract.revoke_sessions", actor=None, subject=f"contract/{contract_id}", at=at)
    if ended:
        _put(policy(_denied(real_at), real_at=real_at))
    return ended[:MOST]


def _not_due(contract_ids: Iterable[str], at: datetime) -> list[str]:
    query = select(Contract).where(Contract.id.in_(list(contract_ids))).execution_options(populate_existing=True)
    return [contract.id for contract in session.scalars(query) if contracts.rules.delivery_refusal(contract, at=at)]


def _is_new(contract_id: str, issued_at: datetime, at: datetime, real_at: datetime) -> bool:
    kept = session.get(IdentityRevocation, contract_id, populate_existing=True)
    return kept is None or kept.revoked_at < issued_at - (at - real_at)


def _denied(real_at: datetime) -> Sequence[IdentityRevocation]:
    recent = select(IdentityRevocation).where(IdentityRevocation.revoked_at > real_at - DENIED_FOR)
    return session.scalars(recent.order_by(IdentityRevocation.revoked_at.desc())).all()


def policy(denied: Sequence[IdentityRevocation], *, real_at: datetime) -> str:
    """A policy that denies everything to sessions of these contracts issued before they were revoked.

    Where there are too many to name, all sessions of the role issued before now are denied: others get new ones.
    """
    named = _document([_statement(f"*:{identities.session_name(d.contract_id, '')}", d.revoked_at) for d in denied])
    return named if len(named) <= POLICY_LENGTH_MAX else _document([_statement("*", real_at)])


def _statement(who: str, before: datetime) -> dict[str, Any]:
    # Whole seconds: what was issued in the second of the revocation is denied too.
    until = (before.astimezone(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"StringLike": {"aws:userid": who}, "DateLessThan": {"aws:TokenIssueTime": until}}
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _put(document: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    role = (config().sts_role_arn or "").rpartition("/")[2]
    try:
        _client().put_role_policy(RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=document)
    except (BotoCoreError, ClientError) as error:
        raise RevocationRefused(
            text("終了した契約のセッションを止められませんでした（%(why)s）。", why=str(error)[:200])
        ) from error


@lru_cache(maxsize=1)
def _client() -> Any:
    import boto3
    from botocore.config import Config

    c = config()
    return boto3.client(
        "iam",
        endpoint_url=c.iam_endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=c.s3_access_key,
        aws_secret_access_key=c.s3_secret_key,
        config=Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=3, read_timeout=5),
    )
