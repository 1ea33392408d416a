"""What people can do about offers and contracts: `offers`, `deals` until both agree, `decisions`, `running`."""

from contracts.actions.deals import accept, counter, decline, may_request, request
from contracts.actions.decisions import approve, reject, return_
from contracts.actions.offers import add_offer, close_offer, tell_listing
from contracts.actions.running import (
    end_finished,
    expire_unanswered,
    payment_received,
    resume,
    suspend,
    terminate,
)

__all__ = [
    "accept",
    "add_offer",
    "approve",
    "close_offer",
    "counter",
    "decline",
    "end_finished",
    "expire_unanswered",
    "may_request",
    "payment_received",
    "reject",
    "request",
    "resume",
    "return_",
    "suspend",
    "tell_listing",
    "terminate",
]
