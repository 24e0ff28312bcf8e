"""/openapi.json and /docs: a description that tools can read and people too."""

from __future__ import annotations

import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from leadintake.leads.models import Lead

RESUMES = Path(__file__).parents[1] / "data" / "resumes"
DOORS = {
    ("post", "/internal/session"),
    ("post", "/internal/session/passkey"),
    ("post", "/internal/session/passkey/options"),
    ("get", "/internal/session/sso"),
    ("get", "/internal/session/sso/callback"),
    ("post", "/internal/password/forgotten"),
    ("post", "/internal/password/chosen"),
}
"""What is inside and open to everybody: the ways in."""
REF = re.compile(r'"\$ref": "#/components/schemas/([^"]+)"')


def operations(document):
    """Every operation of the document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_it_is_valid_openapi_3_1(client):
    answer = client.get("/openapi.json")
    assert answer.mimetype == "application/json"
    assert answer.json["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(answer.json).iter_errors()] == []


def test_every_reference_leads_somewhere(client):
    document = client.get("/openapi.json").json
    referred = set(REF.findall(json.dumps(document)))
    assert referred
    assert referred <= set(document["components"]["schemas"])


def test_every_operation_has_a_name_of_its_own_and_a_sentence(client):
    found = list(operations(client.get("/openapi.json").json))
    names = [operation["operationId"] for _, _, operation in found]
    assert len(set(names)) == len(names) > 15
    assert all(operation["summary"].endswith(".") for _, _, operation in found)


def test_every_failure_is_described_as_a_problem(client):
    for _, _, operation in operations(client.get("/openapi.json").json):
        failures = {status for status in operation["responses"] if int(status) >= 400}
        assert {"500", "503"} <= failures
        for status in failures:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_what_is_public_comes_first_and_what_is_for_operators_last(client):
    document = client.get("/openapi.json").json
    places = [path.split("/")[1] for path in document["paths"]]
    public, inside = places.count("public"), places.count("internal")
    assert places[:public] == ["public"] * public
    assert places[public : public + inside] == ["internal"] * inside
    assert len(places) > public + inside
    tags = [tag["name"] for tag in document["tags"]]
    used = [operation["tags"][0] for _, _, operation in operations(document)]
    assert (tags[0], tags[-1]) == ("public", "operations")
    assert set(tags) == set(used)


def test_every_schema_has_an_example_that_it_allows(client):
    document = client.get("/openapi.json").json
    for name, schema in document["components"]["schemas"].items():
        (example,) = schema["examples"]
        assert example not in (None, {}), name
        validator = Draft202012Validator(schema | {"components": document["components"]})
        assert [error.message for error in validator.iter_errors(example)] == [], name
        required = {part for part, kind in schema.get("properties", {}).items() if "anyOf" not in kind}
        assert [part for part in required & set(example) if example[part] is None] == [], name


def test_a_problem_is_shown_with_its_own_status(client):
    document = client.get("/openapi.json").json
    (unprocessable,) = document["components"]["schemas"]["Problem"]["examples"]
    for path, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            problem = answer.get("content", {}).get("application/problem+json")
            if problem:
                shown = problem.get("example", unprocessable)
                assert (str(shown["status"]), "errors" in shown) == (status, status == "422"), path


def test_the_public_form_has_examples_that_it_takes(client, rows):
    body = client.get("/openapi.json").json["paths"]["/public/leads"]["post"]["requestBody"]
    members = body["content"]["multipart/form-data"]["schema"]["properties"]
    values = {name: member["examples"][0] for name, member in members.items()}
    assert None not in values.values()
    with (RESUMES / values.pop("resume_file")).open("rb") as file:
        answer = client.post("/public/leads", data=values | {"resume_file": file})
    assert answer.status_code == 201, answer.text
    assert rows(Lead)[0].email == values["email"]


def test_whatever_is_inside_asks_for_a_session_and_whatever_changes_it_for_the_token(client):
    for path, method, operation in operations(client.get("/openapi.json").json):
        inside = path.startswith("/internal") and (method, path) not in DOORS
        asked = {"session": []} if method == "get" else {"session": [], "csrf": []}
        assert operation.get("security", [None])[0] == (asked if inside else None)


def test_every_place_in_a_path_is_described(client):
    for path, _, operation in operations(client.get("/openapi.json").json):
        places = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert places == set(re.findall(r"{(\w+)}", path))


def test_the_public_form_is_described_with_its_file(client):
    body = client.get("/openapi.json").json["paths"]["/public/leads"]["post"]["requestBody"]
    form = body["content"]["multipart/form-data"]["schema"]
    assert set(form["required"]) == {"first_name", "last_name", "email", "resume_file"}
    assert form["properties"]["resume_file"]["format"] == "binary"


def test_a_second_reader_gets_the_same_document(client):
    assert client.get("/openapi.json").data == client.get("/openapi.json").data
