"""The OpenAPI document: what holds for every operation is said once, from the declarations on the doors."""

from typing import Any

from flask import Flask

from exchange.web.api import PROBLEMS, Problem

ALWAYS = (400, 406, 429)


def finish(app: Any) -> None:
    """Add tokens, refusals and descriptions to the specification, from each view's access declaration."""
    spec = app.api.spec
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    if "Problem" not in spec.components.schemas:
        spec.components.schema("Problem", schema=Problem)
    views = _views_by_operation(app)
    for path, operations in spec._paths.items():
        for method, operation in operations.items():
            view = views.get((path, method))
            if view is not None and isinstance(operation, dict):
                _finish_operation(operation, view, path)


def _views_by_operation(app: Flask) -> dict[tuple[str, str], Any]:
    found = {}
    for rule in app.url_map.iter_rules():
        path = "".join(f"{{{part}}}" if is_variable else part for is_variable, part in _parts(rule))
        for method in rule.methods or ():
            found[path, method.lower()] = app.view_functions[rule.endpoint]
    return found


def _parts(rule: Any) -> list[tuple[bool, str]]:
    return [(is_dynamic, data) for is_dynamic, data in rule._trace if data != "|"]


def _finish_operation(operation: dict[str, Any], view: Any, path: str) -> None:
    access = getattr(view, "access", "public")
    declared = getattr(view, "_apidoc", {}).get("problems", set())
    statuses = {*ALWAYS, *declared, 401}
    if access != "public":
        operation["security"] = [{"token": []}]
        statuses |= {403}
    else:
        operation["security"] = [{}, {"token": []}]
    if "{" in path:
        statuses |= {404}
    if "requestBody" in operation:
        statuses |= {413, 415, 422}
    if operation.get("parameters"):
        statuses |= {422}
    operation.get("responses", {}).pop("default", None)
    for status in sorted(statuses):
        operation["responses"][str(status)] = {
            "description": PROBLEMS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
