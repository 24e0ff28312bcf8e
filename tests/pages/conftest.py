"""People of the firm, at their desks."""

from __future__ import annotations

import pytest

from tests.factories import UserFactory


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara Attorney", email="amara@firm.example.com")


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno Attorney", email="bruno@firm.example.com")


@pytest.fixture
def max_(given):
    return given(UserFactory, "manager", name="Max Manager", email="max@firm.example.com")


@pytest.fixture
def ada(given):
    return given(UserFactory, "admin", name="Ada Admin", email="ada@firm.example.com")
