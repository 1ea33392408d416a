"""`GET /me`: who a token speaks for."""

from typing import Any

from marshmallow import fields, validate

from exchange.identity import rules
from exchange.web import api
from exchange.web.access import me, signed_in

blueprint = api.blueprint("me", "Who am I")


class PersonAnswer(api.Answer):
    """A person."""

    email = fields.String(required=True)
    name = fields.String(required=True)


class OrganizationAnswer(api.Answer):
    """The organization a person belongs to."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(rules.KINDS))


class MeAnswer(api.Answer):
    """Who a token speaks for, and as what."""

    person = fields.Nested(PersonAnswer, required=True)
    organization = fields.Nested(OrganizationAnswer, required=True)
    roles = fields.List(
        fields.String(validate=validate.OneOf((*rules.MEMBER_ROLES, *rules.OPERATOR_ROLES))), required=True
    )


@blueprint.get("/me")
@signed_in()
@blueprint.response(200, MeAnswer)
@api.errors(401)
def show() -> Any:
    """The person, organization and roles of this token."""
    member = me()
    return {"person": member, "organization": member.organization, "roles": member.roles}
