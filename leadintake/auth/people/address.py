"""Change of a user's e-mail address."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.audit.service import audit
from leadintake.auth.actor import UserOrOperator
from leadintake.auth.models import LinkPurpose, User
from leadintake.auth.people.identity import read_address
from leadintake.auth.people.links import links
from leadintake.auth.service import auth
from leadintake.auth.sessions import service as sessions
from leadintake.core.addresses import normalize_mailbox
from leadintake.core.db.database import db
from leadintake.core.errors import Conflict
from leadintake.notifications.deliverability import require_deliverable
from leadintake.notifications.messages import SECRET_KINDS
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.service import notifications

UNSENT = (Status.QUEUED, Status.SENDING, Status.FAILED)
"""An attempt that is under way may be given up, and be repeated."""


class AddressInUse(Conflict):
    """Another user has the address."""

    def __init__(self, address: str) -> None:
        super().__init__(f"Somebody else has the address {address}.")


def change_address(user: User, email: str, *, actor: UserOrOperator) -> None:
    """Change the address, end the user's sessions and links, and tell both addresses.

    1. Check the new address. Raises UnprocessableContent, AddressInUse.
    2. End sessions and mailed links. Password, second factors and API tokens stay.
    3. Send unsent messages to the new address. Invite there who has not joined yet.

    The caller has locked the user (Users.get_to_change).
    """
    address, former = read_address(email), user.email
    if address == former:
        return
    if auth.find(address) is not None:
        raise AddressInUse(address)
    require_deliverable(address)
    user.email = address
    try:
        db.session.flush()
    except IntegrityError as error:  # given to a user by a concurrent request
        raise AddressInUse(address) from error
    sessions.end_all(user)
    links.revoke(user)
    _readdress(former, address)
    audit.record("user.email_changed", actor=actor, about=("user", user.id))
    _tell(user, former, f"You sign in with {address} from now on. This address is not used any more.")
    if user.is_here:
        _tell(user, address, f"You sign in with this address now. Before, it was {former}.")
    elif user.active:
        links.send(user, LinkPurpose.INVITATION, invited_by=actor.name if isinstance(actor, User) else "")


def _readdress(former: str, address: str) -> None:
    """Send unsent messages to the new address, without those whose links were revoked."""
    unsent = sa.update(Notification).where(
        Notification.mailbox == normalize_mailbox(former),
        Notification.recipient == former,
        Notification.status.in_(UNSENT),
        Notification.kind.not_in(SECRET_KINDS),
    )
    values = {"recipient": address, "mailbox": normalize_mailbox(address)}
    db.session.execute(unsent.values(**values), execution_options={"synchronize_session": False})
    notifications.withdraw(None, former, kinds=SECRET_KINDS)


def _tell(user: User, address: str, sentence: str) -> None:
    notifications.enqueue("account_notice", address, name=user.name, what=sentence)
