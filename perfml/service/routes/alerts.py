"""Alerts, deliveries and notices: what people are told, and what they take care of."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from perfml.service.answers.trust.alerts import (
    AcknowledgementBody,
    AlertAnswer,
    AlertsAnswer,
    AlertsQuery,
    acknowledge_one,
    alert_list,
)
from perfml.service.answers.trust.deliveries import (
    AlarmsAnswer,
    DeliveriesAnswer,
    DeliveryAcknowledgementBody,
    acknowledge_feed,
    delivery_state,
)
from perfml.service.answers.trust.notices import NoticesAnswer, NoticesQuery, notice_states
from perfml.service.problems import Invalid, KeyInUse, ListReplaced, NoSpace, NotFound, refusals
from perfml.service.routes.shared import NO_NUL, AppStore, OptionalKey, Reach, subject_router

router = subject_router("alerts")
AlertId = Annotated[str, Path(description="An id of /v1/alerts.")]
FeedName = Annotated[str, Path(pattern=NO_NUL, description="A feed of /v1/deliveries.")]


@router.get("/alerts", summary="What rules over evidence say early", responses=refusals(ListReplaced, Invalid))
def get_alerts(query: Annotated[AlertsQuery, Query()], store: AppStore, reach: Reach) -> AlertsAnswer:
    """Alerts with the figures and the rows that they stand on, the newest first. They say what happened, and foretell nothing."""
    return alert_list(store, query, reach=reach)


@router.post(
    "/alerts/{alert_id}/acknowledgement",
    summary="Take care of an alert",
    responses=refusals(NotFound, KeyInUse, Invalid, NoSpace),
)
def post_alert_acknowledgement(
    *, alert_id: AlertId, body: AcknowledgementBody, key: OptionalKey = None, store: AppStore
) -> AlertAnswer:
    """Say that somebody takes care of an alert, so that nobody else is told."""
    return acknowledge_one(store, alert_id, body, key=key)


@router.get("/deliveries", summary="What was due from each feed, and what came", responses=refusals())
def get_deliveries(store: AppStore) -> DeliveriesAnswer:
    """The state of the feeds by the receipts of what they sent, and the alarms that are open."""
    return delivery_state(store)


@router.post(
    "/deliveries/{source}/acknowledgement",
    summary="Take care of a feed that is late",
    responses=refusals(KeyInUse, Invalid, NoSpace),
)
def post_delivery_acknowledgement(
    *, source: FeedName, body: DeliveryAcknowledgementBody, key: OptionalKey = None, store: AppStore
) -> AlarmsAnswer:
    """Say that somebody takes care of the open alarms of a feed, so that nobody is told further."""
    return acknowledge_feed(store, source, body, key=key)


@router.get("/notices", summary="What people were told before they were scored", responses=refusals(Invalid))
def get_notices(query: Annotated[NoticesQuery, Query()], store: AppStore, reach: Reach) -> NoticesAnswer:
    """Notices given, opt-outs, and outcomes whose package is due, by person."""
    return notice_states(store, query, reach=reach)
