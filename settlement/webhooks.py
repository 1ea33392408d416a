"""The door for machines of others that tell us something: Stripe. What they say is stored, then looked into by a job."""

from typing import Any

from flask import Blueprint, jsonify, request

from exchange import clock
from exchange.errors import TooLarge, text
from exchange.web.access import public
from settlement import actions

BODY_BYTES_MAX = 256 * 1024  # the largest events are a tenth of it
blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/webhooks/stripe")
@public
def stripe() -> Any:
    """200 once an event is stored, the same one again too; 400 unless Stripe signed it lately; 413 above 256 KiB."""
    request.max_content_length = BODY_BYTES_MAX
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise TooLarge(text("イベントは %(max)s KiB 以下にしてください。", max=BODY_BYTES_MAX // 1024))
    is_new = actions.take_event(request.get_data(), request.headers.get("Stripe-Signature"), at=clock.now())
    return jsonify(stored=True, new=is_new)
