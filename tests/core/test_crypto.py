"""What is sealed with the secret opens for its purpose alone, unaltered, and never looks the same twice."""

from __future__ import annotations

import base64

import pytest

from leadintake.core.crypto import Unreadable, keyed_hash, keys, seal, unseal


@pytest.fixture
def settings():
    return {"SECRET_KEY": "k" * 32, "SECRET_KEY_FALLBACKS": ["earlier" * 6]}


@pytest.fixture(autouse=True)
def _in_the_application(app):
    with app.app_context():
        yield


def test_the_same_text_is_sealed_differently_each_time():
    sealed = [base64.urlsafe_b64decode(seal("totp", "the same")) for _ in range(50)]
    assert len({box[9:25] for box in sealed}) == 50, "the initialization vectors (Fernet's format)"
    assert {unseal("totp", base64.urlsafe_b64encode(box).decode()) for box in sealed} == {"the same"}


def test_a_box_that_was_altered_anywhere_does_not_open():
    box = base64.urlsafe_b64decode(seal("totp", "a secret"))
    for at in range(len(box)):
        altered = box[:at] + bytes([box[at] ^ 1]) + box[at + 1 :]
        with pytest.raises(Unreadable):
            unseal("totp", base64.urlsafe_b64encode(altered).decode())


@pytest.mark.parametrize("sealed", ["", "x", "gAAAA", "\u00e9", "A" * 200])
def test_what_is_no_box_does_not_open(sealed):
    with pytest.raises(Unreadable):
        unseal("totp", sealed)


def test_each_purpose_and_each_secret_has_a_key_of_its_own():
    found = [key for purpose in ("totp", "sso", "audit") for key in keys(purpose)]
    assert len(set(found)) == 6
    assert {len(key) for key in found} == {32}
    with pytest.raises(Unreadable):
        unseal("sso", seal("totp", "a secret"))
    assert keyed_hash("one", "text") != keyed_hash("other", "text")
