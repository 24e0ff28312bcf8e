"""Examples for the OpenAPI document, built from its schemas and one value for each name of a member."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from leadintake.monitoring.example_values import VALUES

LEFT_OUT = {
    "phone_as_typed", "email_refused", "total_is_minimum", "LeadDetail.quarantine", "LeadProof.withheld",
    "ProofEntry.content", "Resume.warnings",
}  # fmt: skip
"""Members that are seldom there."""


def add_examples(document: dict[str, Any]) -> None:
    """Give every component, every body that is a form and every problem an example."""
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        schema["examples"] = [_build(schema, name, name, schemas)]
    for item in document["paths"].values():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "multipart/form-data" in content:
                for member, schema in content["multipart/form-data"]["schema"]["properties"].items():
                    if member in VALUES:
                        schema["examples"] = [VALUES[member]]
            for status, answer in operation["responses"].items():
                problem = answer.get("content", {}).get("application/problem+json")
                if problem and status != "422":
                    example = schemas["Problem"]["examples"][0] | {
                        "status": int(status),
                        "title": HTTPStatus(int(status)).phrase,
                        "detail": answer["description"],
                    }
                    del example["errors"]
                    problem["example"] = example


def _build(schema: Mapping[str, Any], owner: str, member: str, schemas: Mapping[str, Any]) -> Any:
    """Build an example of `schema`, which is `member` of the schema `owner`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _build(schemas[name], name, name, schemas)
    if "properties" in schema:
        return {
            name: _build(part, owner, name, schemas)
            for name, part in schema["properties"].items()
            if not {name, f"{owner}.{name}"} & LEFT_OUT
        }
    if schema.get("type") == "array":
        return [_build(schema["items"], owner, member, schemas)]
    nested = [part for part in schema.get("anyOf", []) if "$ref" in part or part.get("type") == "array"]
    if nested:
        return _build(nested[0], owner, member, schemas)
    return VALUES.get(f"{owner}.{member}", VALUES.get(member))
