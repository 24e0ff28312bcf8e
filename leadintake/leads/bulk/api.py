"""JSON API of acts on many leads."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.transaction import commits_itself
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond
from leadintake.leads.bulk.schemas import BulkRequest, BulkResult
from leadintake.leads.bulk.service import bulk

bp = Blueprint("bulk", __name__, url_prefix="/leads/bulk")


@bp.post("")
@commits_itself
@allow(Permission.TAKE_LEADS)
@api({200: BulkResult}, json=BulkRequest)
def run(json: BulkRequest) -> Response:
    """Do one act on up to 500 leads, each as its own route would: rights, walls, alerts and record.

    A refusal of one leaves the others done. Of more than five leads that go to a person, one mail tells.
    """
    return respond(BulkResult(bulk.run(json, actor=current_actor())))
