"""What people can do about offers and contracts: `offers`, `deals` until both agree, `decisions`, `running`."""

from contracts.actions.deals import accept, confirm, counter, decline, may_request, request
from contracts.actions.decisions import approve, declare_interest, reject, return_, sign
from contracts.actions.offers import add_offer, close_offer, tell_listing
from contracts.actions.policies import set_confirm_above
from contracts.actions.running import (
    certify_deletion,
    end_finished,
    expire_unanswered,
    payment_received,
    record_renewal_ground,
    refuse_renewal,
    remind_of_deletion,
    resume,
    suspend,
    tell_of_renewals,
    terminate,
    warn_of_lapse,
)

__all__ = [
    "accept",
    "add_offer",
    "approve",
    "certify_deletion",
    "close_offer",
    "confirm",
    "counter",
    "declare_interest",
    "decline",
    "end_finished",
    "expire_unanswered",
    "may_request",
    "payment_received",
    "record_renewal_ground",
    "refuse_renewal",
    "reject",
    "remind_of_deletion",
    "request",
    "resume",
    "return_",
    "set_confirm_above",
    "sign",
    "suspend",
    "tell_listing",
    "tell_of_renewals",
    "terminate",
    "warn_of_lapse",
]
