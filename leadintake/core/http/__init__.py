"""HTTP: access, bodies, headers, limits, the API and its OpenAPI document."""
