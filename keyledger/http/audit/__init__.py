"""The replay tools over HTTP: what only reads, below /audit with the scope audit:read; the rest for the operator."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from keyledger.http.keys.keys import principal_of
from keyledger.http.request_body import strict_request

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[Depends(principal_of), Depends(strict_request)])
operator_router = APIRouter(prefix="/operator/audit", tags=["operator"], dependencies=[Depends(principal_of)])

from keyledger.http.audit import diff, explain, export, history, replay, state, verify  # noqa: E402, F401 - each puts its routes on the routers
