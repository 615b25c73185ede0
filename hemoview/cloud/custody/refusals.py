"""One try of somebody to change something: what is refused is written into the audit log before it is said."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy.exc import OperationalError
from starlette.requests import Request

from hemoview.cloud import audit
from hemoview.cloud.asking import origin_of
from hemoview.cloud.identity import trail
from hemoview.cloud.principals import Principal
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries what on what.

    Args:
        action: such as ``blob.put``.
        thing: the id of what it is tried on.
    """

    service: Service
    request: Request
    who: Principal
    action: str
    thing: str

    def entry(self, **told: Any) -> audit.Entry:
        """Its line for the audit log."""
        detail = json.dumps(told, sort_keys=True, ensure_ascii=False)
        now_us, origin = self.service.now_us(), origin_of(self.request)
        return audit.Entry(now_us, self.who.name, self.action, self.thing, audit.OK, origin, detail)

    async def refuse(self, problem: Problem) -> NoReturn:
        """Write ``problem`` into the audit log, then raise it.

        Raises:
            Problem: always.
        """
        why = {"status": problem.status, "why": problem.detail}
        try:
            await trail.refused(self.request, self.who.name, self.action, self.thing, **why)
        except OperationalError:  # no space for the line either: the refusal stands
            log.exception("%s of %s was refused; that cannot be written down", self.action, self.thing)
        raise problem
