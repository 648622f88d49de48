"""Statements over webhooks that were received; each is kept once, by its provider's id of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import RowMapping, Update, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.payments.domain.webhook import Webhook, WebhookOutcome
from subgraphs.payments.storage.tables import provider_events


async def keep(session: AsyncSession, webhook: Webhook, due_at: datetime) -> bool:
    """Store a webhook; False when it came before."""
    row = {
        "provider": webhook.provider,
        "id": webhook.id,
        "kind": webhook.kind,
        "happened_at": webhook.happened_at,
        "received_at": webhook.received_at,
        "body": webhook.body.decode(),
        "outcome": webhook.outcome,
        "due_at": due_at,
    }
    kept = upsert(provider_events).values(row).on_conflict_do_nothing().returning(provider_events.c.id)
    return (await session.execute(kept)).first() is not None


async def close(session: AsyncSession, webhook: Webhook, outcome: WebhookOutcome, detail: str) -> None:
    """Write what came of a webhook, and forget its body."""
    await session.execute(_of(webhook).values(outcome=outcome, detail=detail[:300], body=None, due_at=None))


async def wait(session: AsyncSession, webhook: Webhook, due_at: datetime, detail: str) -> None:
    """Look at a webhook again later."""
    attempts = provider_events.c.attempts + 1
    await session.execute(_of(webhook).values(due_at=due_at, attempts=attempts, detail=detail[:300]))


async def due(session: AsyncSession, now: datetime, again_at: datetime, limit: int) -> list[Webhook]:
    """Take up webhooks that wait and whose time has come, the oldest first."""
    waiting = select(provider_events.c.provider, provider_events.c.id).where(provider_events.c.due_at <= now)
    taken = waiting.order_by(provider_events.c.happened_at).limit(limit).with_for_update(skip_locked=True).cte("taken")
    statement = (
        update(provider_events)
        .where(provider_events.c.provider == taken.c.provider, provider_events.c.id == taken.c.id)
        .values(due_at=again_at)
        .returning(provider_events)
    )
    found = [_webhook(row) for row in (await session.execute(statement)).mappings()]
    return sorted(found, key=lambda webhook: webhook.happened_at)


async def latest(session: AsyncSession, outcome: WebhookOutcome | None, limit: int) -> list[Webhook]:
    """Read the webhooks that came last."""
    statement = select(provider_events).order_by(provider_events.c.received_at.desc()).limit(limit)
    if outcome is not None:
        statement = statement.where(provider_events.c.outcome == outcome)
    return [_webhook(row) for row in (await session.execute(statement)).mappings()]


def _of(webhook: Webhook) -> Update:
    return update(provider_events).where(
        provider_events.c.provider == webhook.provider, provider_events.c.id == webhook.id
    )


def _webhook(row: RowMapping) -> Webhook:
    return Webhook(
        provider=row["provider"],
        id=row["id"],
        kind=row["kind"],
        happened_at=row["happened_at"],
        received_at=row["received_at"],
        body=(row["body"] or "").encode(),
        outcome=WebhookOutcome(row["outcome"]),
        detail=row["detail"],
        attempts=row["attempts"],
    )
