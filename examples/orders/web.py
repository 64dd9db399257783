"""FastAPI runs it: routes call resolvers, and a webhook request becomes an event."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from orders import app as orders
from tailor_config import secrets

from tailorsecrets import IncomingWebhook, InputInvalid


@asynccontextmanager
async def lifespan(_web: FastAPI) -> AsyncIterator[None]:
    """Read all secrets before the first request, so that a missing one stops the deployment."""
    await secrets.apreload()
    yield


web = FastAPI(lifespan=lifespan)


@web.post("/payments")
async def payments(payment: dict[str, Any]) -> dict[str, Any]:
    """Pay; invalid input is a 422 that lists all problems."""
    try:
        paid: dict[str, Any] = await orders.acall("call-stripe", payment)
    except InputInvalid as error:
        raise HTTPException(422, [f"{path}: {problem}" for path, problem in error.problems]) from None
    return paid


@web.post("/hooks/stripe")
async def stripe(request: Request) -> dict[str, bool]:
    """Accept an event of Stripe whose signature matches the current key or, during a rotation, the previous one."""
    body = await request.body()
    keys = await secrets.arecent("webhooks", "signing-key")
    given = request.headers.get("signature", "").encode()  # bytes: of text, only ASCII can be compared
    right = [hmac.digest(key.encode(), body, "sha256").hex().encode() for key in keys]
    if not any(hmac.compare_digest(given, signature) for signature in right):
        raise HTTPException(401)
    event = IncomingWebhook("stripe-events", await request.json(), dict(request.headers), request.method)
    outcomes = await orders.aemit(event)
    return {outcome.executor: outcome.ok for outcome in outcomes}
