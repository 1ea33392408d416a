"""The gate: our own gateway asks here before it passes a read of the bucket on to the store. Nobody else may ask."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, request
from markupsafe import escape

from delivery import actions
from exchange import clock
from exchange.config import config
from exchange.errors import Forbidden, NotFound
from exchange.web.access import public

blueprint = Blueprint("gate", __name__)


@blueprint.get("/gate")
@public
def ask() -> Response:
    """204 where the read may pass, else 403 with the reason as the store itself would word it."""
    if not _is_our_gateway():
        raise NotFound()
    told = request.headers
    try:
        actions.let_read(
            told.get("X-Gate-Method", ""),
            told.get("X-Gate-Uri", ""),
            host=told.get("Host", ""),
            remote=request.remote_addr,
            at=clock.now(),
        )
    except Forbidden as refusal:
        return _access_denied(refusal)
    return Response(status=204)


def _is_our_gateway() -> bool:
    ours, theirs = config().gate_secret, request.headers.get("X-Gate-Key", "")
    return ours is not None and hmac.compare_digest(theirs.encode(), ours.encode())


def _access_denied(refusal: Forbidden) -> Response:
    reason, request_id = escape(str(refusal.detail)), escape(request.headers.get("X-Request-Id", ""))
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>AccessDenied</Code><Message>{reason}</Message><RequestId>{request_id}</RequestId></Error>"
    )
    return Response(body, status=403, mimetype="application/xml")
