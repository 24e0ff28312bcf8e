"""Passkeys: keys on people's own devices that sign them in.

The device checks its user by finger, face or code, so a passkey is a first and a second factor in one.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.audit.service import audit
from leadintake.auth import ceremonies, challenges
from leadintake.auth.ceremonies import NotVerified
from leadintake.auth.challenges import BadChallenge
from leadintake.auth.models import Passkey, User
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.proofs import NewCredential, PasskeyOptions, ShownCredential, to_bytes, to_text
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.errors import Conflict, Invalid, NotFound
from leadintake.core.text import shown_line
from leadintake.notifications.service import notifications

SIGN_IN = "sign-in"
MOST = 20
"""Passkeys one person may have."""


class BadPasskey(BadCredentials):
    """The passkey lets nobody in. It never says why."""

    def __init__(self) -> None:
        super().__init__("This passkey lets nobody in. Please try again, or sign in with your password.")


class Passkeys:
    """The passkeys of the people."""

    def begin(self, user: User) -> PasskeyOptions:
        """Begin to add one: the options for making it."""
        known = [row.credential_id for row in self.of(user)]
        return ceremonies.creation_options(user, challenges.new(_adding(user)), known)

    def add(self, user: User, name: str, credential: NewCredential) -> Passkey:
        """Keep one that was made for a challenge of this user's. Raises Invalid, Conflict."""
        shown = shown_line(name, 100)
        if not shown:
            raise Invalid({"name": ["A name has 1 to 100 characters, and none that cannot be shown."]})
        if len(self.of(user)) >= MOST:
            raise Conflict(f"You have {MOST} passkeys. Remove one that you do not use, then add another.")
        try:
            challenge = challenges.answered_by(credential.response.client_data_json, _adding(user))
            made = ceremonies.made(credential, challenge)
            challenges.spend(challenge)
        except (BadChallenge, NotVerified) as error:
            raise Invalid(
                {"credential": ["This passkey was not made as we asked for it. Begin again."]}
            ) from error
        row = Passkey(
            user_id=user.id,
            name=shown,
            credential_id=to_text(made.credential_id),
            credential_hash=_hash(made.credential_id),
            public_key=to_text(made.credential_public_key),
            sign_count=made.sign_count,
        )
        db.session.add(row)
        try:
            db.session.flush()
        except IntegrityError as error:
            raise Conflict("This passkey is known here already.") from error
        self._tell(user, "passkey.added", row, f"A passkey was added for signing in: {row.name}.")
        return row

    def of(self, user: User) -> Sequence[Passkey]:
        """Those of one user, the oldest first."""
        theirs = sa.select(Passkey).where(Passkey.user_id == user.id)
        return db.session.scalars(theirs.order_by(Passkey.id)).all()

    def remove(self, user: User, passkey_id: uuid.UUID) -> None:
        """Let nobody in with it any more. Raises NotFound, for those of others too."""
        mine = sa.select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user.id)
        row = db.session.scalar(mine.with_for_update())
        if row is None:
            raise NotFound("There is no such passkey of yours.")
        db.session.delete(row)
        self._tell(user, "passkey.removed", row, f"A passkey was removed from signing in: {row.name}.")

    def begin_sign_in(self) -> PasskeyOptions:
        """Begin to sign in, whoever it may be: the options for showing a passkey."""
        return ceremonies.request_options(challenges.new(SIGN_IN))

    def account_of(self, credential: ShownCredential) -> str:
        """The address of whom it may sign in, for counting attempts; empty where it is nobody's."""
        theirs = sa.select(User.email).join(Passkey, Passkey.user_id == User.id)
        with reading():
            email = db.session.scalar(theirs.where(Passkey.credential_hash == _hash_of(credential)))
            db.session.rollback()  # an attempt is counted in a transaction of its own
        return email or ""

    def authenticate(self, credential: ShownCredential) -> User:
        """The active user whose passkey it is. Raises BadPasskey, whatever is wrong."""
        both = sa.select(Passkey, User).join(User, Passkey.user_id == User.id)
        mine = both.where(Passkey.credential_hash == _hash_of(credential)).with_for_update()
        found = db.session.execute(mine).first()
        if found is None:
            raise _refused("unknown", None)
        row, user = found
        try:
            challenge = challenges.answered_by(credential.response.client_data_json, SIGN_IN)
            count = ceremonies.shown(credential, challenge, user, row.public_key)
            challenges.spend(challenge)
        except (BadChallenge, NotVerified) as error:
            raise _refused("not_verified", user) from error
        if (count or row.sign_count) and count <= row.sign_count:
            raise _refused("cloned", user)  # two devices count with one key: WebAuthn level 3, 6.1.1
        if not user.active:
            raise _refused("inactive", user)
        row.sign_count, row.last_used_at = count, now()
        return user

    def _tell(self, user: User, action: str, row: Passkey, sentence: str) -> None:
        audit.record(action, by=user, about=("user", user.id), passkey=str(row.id))
        notifications.owe("account_notice", user.email, name=user.name, what=sentence)


def _refused(reason: str, user: User | None) -> BadPasskey:
    """The refusal to raise; its reason is for the audit trail alone."""
    about = ("user", user.id) if user else None
    audit.record_refusal("passkey.refused", by="anybody", about=about, reason=reason)
    return BadPasskey()


def _adding(user: User) -> str:
    return f"add|{user.id}"


def _hash(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _hash_of(credential: ShownCredential) -> str:
    """The hash of its id; of one that is no base64url, what no passkey has."""
    try:
        return _hash(to_bytes(credential.id))
    except ValueError:
        return ""


passkeys = Passkeys()
