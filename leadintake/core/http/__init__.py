"""HTTP: access marks, addresses, bodies, headers, limits, the API and its OpenAPI document."""
