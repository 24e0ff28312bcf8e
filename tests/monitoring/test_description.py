"""/openapi.json and /docs: a description that tools can read and people too."""

from __future__ import annotations

import json
import re

from openapi_spec_validator import OpenAPIV31SpecValidator

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


def test_whatever_is_inside_asks_for_a_session_and_whatever_changes_it_for_the_token(client):
    for path, method, operation in operations(client.get("/openapi.json").json):
        inside = path.startswith("/internal") and (method, path) not in DOORS
        assert (operation.get("security", [None])[0] == {"session": []}) is inside
        asks = any(one["name"] == "X-CSRFToken" and one["required"] for one in operation["parameters"])
        assert asks is (inside and method != "get")


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


def test_the_page_names_every_operation_and_runs_no_script(client):
    document = client.get("/openapi.json").json
    answer = client.get("/docs")
    assert answer.mimetype == "text/html"
    for path, _, operation in operations(document):
        assert path in answer.text
        assert operation["summary"].partition("'")[0] in answer.text
    assert "<script" not in answer.text
