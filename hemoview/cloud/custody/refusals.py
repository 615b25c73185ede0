"""What custody refuses is written into the audit log before it is said."""

from __future__ import annotations

import json
import logging
from typing import NoReturn

from sqlalchemy.exc import OperationalError
from starlette.requests import Request

from hemoview.cloud import audit
from hemoview.cloud.principals import Principal, origin_of
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service

log = logging.getLogger(__name__)


async def refuse(
    service: Service, request: Request, who: Principal, action: str, thing: str, problem: Problem
) -> NoReturn:
    """Write ``problem`` into the audit log, then raise it.

    Args:
        action: such as ``blob.put``.
        thing: id of what it was tried on.

    Raises:
        Problem: always.
    """
    detail = json.dumps({"status": problem.status, "why": problem.detail}, ensure_ascii=False)
    entry = audit.Entry(service.now_us(), who.name, action, thing, audit.REFUSED, origin_of(request), detail)
    try:
        async with service.db.begin() as conn:
            await audit.append(conn, entry)
    except OperationalError:  # no space for the line either: the refusal stands
        log.exception("%s of %s was refused, and the audit log cannot be written", action, thing)
    raise problem
