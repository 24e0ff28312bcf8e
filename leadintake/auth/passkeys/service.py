"""Verbs on passkeys. The device verifies its user: a passkey is two factors in one."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.audit.service import audit
from leadintake.auth.models import Passkey, User
from leadintake.auth.passkeys import ceremonies, challenges
from leadintake.auth.passkeys.ceremonies import NotVerified
from leadintake.auth.passkeys.challenges import BadChallenge
from leadintake.auth.passkeys.schemas import NewCredential, PasskeyOptions, ShownCredential, to_bytes, to_text
from leadintake.auth.passwords import BadCredentials
from leadintake.core.actor import ANONYMOUS
from leadintake.core.clock import now
from leadintake.core.db.database import db, read_only
from leadintake.core.errors import Conflict, NotFound, UnprocessableContent
from leadintake.core.text import visible_line
from leadintake.notifications.service import notifications

SIGN_IN = "sign-in"
MAX_PASSKEYS = 20
"""Passkeys per user."""


class BadPasskey(BadCredentials):
    """The passkey is refused, for an undisclosed reason."""

    def __init__(self) -> None:
        super().__init__("This passkey lets nobody in. Please try again, or sign in with your password.")


class Passkeys:
    """Passkeys of users."""

    def begin(self, user: User) -> PasskeyOptions:
        """Return options to create a passkey."""
        excluded_ids = [row.credential_id for row in self.list_for(user)]
        return ceremonies.creation_options(user, challenges.create(_purpose_of_adding(user)), excluded_ids)

    def add(self, user: User, name: str, credential: NewCredential) -> Passkey:
        """Verify and store a new passkey. Raises UnprocessableContent, Conflict."""
        label = visible_line(name, 100)
        if not label:
            raise UnprocessableContent(
                {"name": ["A name has 1 to 100 characters, and none that cannot be shown."]}
            )
        if len(self.list_for(user)) >= MAX_PASSKEYS:
            raise Conflict(
                f"You have {MAX_PASSKEYS} passkeys. Remove one that you do not use, then add another."
            )
        try:
            challenge = challenges.verify(credential.response.client_data_json, _purpose_of_adding(user))
            registration = ceremonies.verify_registration(credential, challenge)
            challenges.consume(challenge)
        except (BadChallenge, NotVerified) as error:
            raise UnprocessableContent(
                {"credential": ["This passkey was not made as we asked for it. Begin again."]}
            ) from error
        row = Passkey(
            user_id=user.id,
            name=label,
            credential_id=to_text(registration.credential_id),
            credential_hash=_hash(registration.credential_id),
            public_key=to_text(registration.credential_public_key),
            sign_count=registration.sign_count,
        )
        db.session.add(row)
        try:
            db.session.flush()
        except IntegrityError as error:
            raise Conflict("This passkey is known here already.") from error
        self._tell(user, "passkey.added", row, f"A passkey was added for signing in: {row.name}.")
        return row

    def list_for(self, user: User) -> Sequence[Passkey]:
        """Return the user's passkeys, oldest first."""
        passkeys_query = sa.select(Passkey).where(Passkey.user_id == user.id)
        return db.session.scalars(passkeys_query.order_by(Passkey.id)).all()

    def remove(self, user: User, passkey_id: uuid.UUID) -> None:
        """Delete a passkey of the user. Raises NotFound."""
        passkey_query = sa.select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user.id)
        row = db.session.scalar(passkey_query.with_for_update())
        if row is None:
            raise NotFound("There is no such passkey of yours.")
        db.session.delete(row)
        self._tell(user, "passkey.removed", row, f"A passkey was removed from signing in: {row.name}.")

    def begin_sign_in(self) -> PasskeyOptions:
        """Return options to sign in with any passkey."""
        return ceremonies.request_options(challenges.create(SIGN_IN))

    def find_email(self, credential: ShownCredential) -> str:
        """Return the owner's address; empty if unknown."""
        email_query = sa.select(User.email).join(Passkey, Passkey.user_id == User.id)
        with read_only():
            email = db.session.scalar(email_query.where(Passkey.credential_hash == _hash_of(credential)))
            db.session.rollback()  # the throttle needs a transaction of its own
        return email or ""

    def authenticate(self, credential: ShownCredential) -> User:
        """Return the active owner of the passkey. Raises BadPasskey for all failures."""
        joined_query = sa.select(Passkey, User).join(User, Passkey.user_id == User.id)
        passkey_query = joined_query.where(Passkey.credential_hash == _hash_of(credential)).with_for_update()
        found = db.session.execute(passkey_query).first()
        if found is None:
            raise _record_refusal("unknown", None)
        row, user = found
        try:
            challenge = challenges.verify(credential.response.client_data_json, SIGN_IN)
            count = ceremonies.verify_authentication(credential, challenge, user, row.public_key)
            challenges.consume(challenge)
        except (BadChallenge, NotVerified) as error:
            raise _record_refusal("not_verified", user) from error
        if (count or row.sign_count) and count <= row.sign_count:
            raise _record_refusal("cloned", user)  # cloned authenticator: WebAuthn level 3, 6.1.1
        if not user.active:
            raise _record_refusal("inactive", user)
        row.sign_count, row.last_used_at = count, now()
        return user

    def _tell(self, user: User, action: str, row: Passkey, sentence: str) -> None:
        audit.record(action, actor=user, about=("user", user.id), passkey=str(row.id))
        notifications.enqueue("account_notice", user.email, name=user.name, what=sentence)


def _record_refusal(reason: str, user: User | None) -> BadPasskey:
    """Audit the reason; return the exception to raise."""
    about = ("user", user.id) if user else None
    audit.record_refusal("passkey.refused", actor=ANONYMOUS, about=about, reason=reason)
    return BadPasskey()


def _purpose_of_adding(user: User) -> str:
    return f"add|{user.id}"


def _hash(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _hash_of(credential: ShownCredential) -> str:
    """Return the hash of the credential id; empty if not base64url."""
    try:
        return _hash(to_bytes(credential.id))
    except ValueError:
        return ""


passkeys = Passkeys()
