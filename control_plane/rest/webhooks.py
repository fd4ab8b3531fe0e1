"""Webhooks out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from control_plane.domain.abilities import ABILITIES
from control_plane.domain.ids import OrganizationId
from control_plane.domain.moments import require_moment
from control_plane.domain.webhooks import EVENTS, Attempt, DisabledReason, WebhookDelivery, WebhookEndpoint
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.paging import PAGE_DEFAULT, CursorParameter, Limit, after_id, page_of
from control_plane.rest.wire import Body, View
from control_plane.services.webhooks import EndpointChanges, NewEndpoint

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, examples=["https://example.com/hooks"])]
Description = Annotated[str, msgspec.Meta(max_length=200, pattern="^[^\\x00]*$")]
Event = Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["room.created"])]
Events = Annotated[list[Event], msgspec.Meta(min_length=1, max_length=100)]
Failed = Annotated[bool | None, QueryParameter(description="true: only those given up; false: only the others.")]


class WebhookView(View):
    """An endpoint, without its secret. events: names, or `*` for all. failingSince: nothing was taken since; null: all well.

    oldSecretUntil: until then messages carry a signature by the secret before the last rotation, too.
    """

    id: UUID
    url: str
    description: str
    events: list[str]
    is_enabled: bool
    disabled_at: datetime | None
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookList(View):
    """A page of them."""

    items: list[WebhookView]
    next_cursor: str | None = None


class WebhookWithSecret(WebhookView):
    """secret: signs what is sent, shown this once."""

    secret: str


class NewWebhook(Body):
    """url: https. events: names of `GET /catalogue`, or `*`. id: made by the caller."""

    url: Url
    events: Events
    description: Description = ""
    id: UUID | None = None


class WebhookChanges(Body):
    """What is not given stays as it is. isEnabled true also forgets earlier failures."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    events: Events | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType = msgspec.UNSET
    is_enabled: bool | msgspec.UnsetType = msgspec.UNSET


class DeliveryView(View):
    """One event for one endpoint, and every attempt. deliveredAt, failedAt: both null while it is being sent."""

    id: UUID
    message_id: str
    event: str
    object_id: UUID
    created_at: datetime
    delivered_at: datetime | None
    failed_at: datetime | None
    attempts: list[Attempt]
    body: msgspec.Raw


class DeliveryList(View):
    """A page of them."""

    items: list[DeliveryView]
    next_cursor: str | None = None


class ReplaySince(Body):
    """since: with a time zone."""

    since: datetime


class Replayed(View):
    """How many deliveries are sent again."""

    count: int


class Named(View):
    """A name and what it means."""

    name: str
    description: str


class Catalogue(View):
    """What there is to ask for: events of webhooks, and abilities of API tokens."""

    events: list[Named]
    abilities: list[Named]


def _view(endpoint: WebhookEndpoint) -> WebhookView:
    return WebhookView(
        id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        events=endpoint.events,
        is_enabled=endpoint.disabled_at is None,
        disabled_at=endpoint.disabled_at,
        disabled_reason=endpoint.disabled_reason,
        failing_since=endpoint.failing_since,
        old_secret_until=endpoint.old_secret_until,
        created_at=endpoint.created_at,
        updated_at=endpoint.updated_at,
    )


def _with_secret(new: NewEndpoint) -> WebhookWithSecret:
    return WebhookWithSecret(**msgspec.structs.asdict(_view(new.endpoint)), secret=new.secret)


def _delivery_view(delivery: WebhookDelivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        message_id=f"msg_{delivery.event_id.hex}",
        event=delivery.event,
        object_id=delivery.object_id,
        created_at=delivery.created_at,
        delivered_at=delivery.delivered_at,
        failed_at=delivery.failed_at,
        attempts=delivery.attempts,
        body=msgspec.Raw(delivery.body.encode()),
    )


@get(
    "/catalogue", operation_id="getCatalogue", summary="Webhook events and token abilities", security=[], tags=["Plans"]
)
async def show_catalogue() -> Catalogue:
    """The names that webhooks and API tokens may ask for. More may come; none changes its meaning."""
    return Catalogue(
        events=[Named(name=name, description=text) for name, text in EVENTS.items()],
        abilities=[Named(name=name, description=text) for name, text in ABILITIES.items()],
    )


class WebhookController(Controller):
    """Telling others' servers."""

    path = "/organizations/{organization_id:uuid}/webhooks"
    tags = ("Webhooks",)

    @get(operation_id="listWebhooks", summary="Webhook endpoints")
    async def list_all(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> WebhookList:
        """Endpoints, oldest first; without their secrets."""
        rows = await platform.webhooks.list_endpoints(
            caller, OrganizationId(organization_id), after=after_id(cursor), limit=limit + 1
        )
        page = page_of(rows, limit, lambda endpoint: (endpoint.id,))
        return WebhookList(items=[_view(endpoint) for endpoint in page.rows], next_cursor=page.next_cursor)

    @post(operation_id="createWebhook", summary="Make a webhook endpoint")
    async def create(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[NewWebhook]
    ) -> WebhookWithSecret:
        """Make an endpoint. Its secret is answered this once. Needs API access."""
        new = await platform.webhooks.create(
            caller,
            OrganizationId(organization_id),
            url=data.url,
            description=data.description,
            events=data.events,
            endpoint_id=data.id,
        )
        return _with_secret(new)

    @get("/{webhook_id:uuid}", operation_id="getWebhook", summary="One webhook endpoint")
    async def get_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], webhook_id: FromPath[UUID]
    ) -> WebhookView:
        """One endpoint, without its secret."""
        return _view(await platform.webhooks.get(caller, OrganizationId(organization_id), webhook_id))

    @patch("/{webhook_id:uuid}", operation_id="changeWebhook", summary="Change a webhook endpoint")
    async def change(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        webhook_id: FromPath[UUID],
        data: JSONBody[WebhookChanges],
    ) -> WebhookView:
        """Change its address, events or description, or switch it on and off."""
        given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
        changes = EndpointChanges(**given)
        return _view(await platform.webhooks.change(caller, OrganizationId(organization_id), webhook_id, changes))

    @delete("/{webhook_id:uuid}", operation_id="deleteWebhook", summary="Delete a webhook endpoint")
    async def delete_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], webhook_id: FromPath[UUID]
    ) -> None:
        """Delete it with its history; what still waits is not sent."""
        await platform.webhooks.delete(caller, OrganizationId(organization_id), webhook_id)

    @post("/{webhook_id:uuid}/rotate-secret", operation_id="rotateWebhookSecret", summary="Change an endpoint's secret")
    async def rotate(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], webhook_id: FromPath[UUID]
    ) -> WebhookWithSecret:
        """Make a new secret; for 24 h messages are signed with both. The new one is answered this once."""
        return _with_secret(await platform.webhooks.rotate(caller, OrganizationId(organization_id), webhook_id))

    @post("/{webhook_id:uuid}/ping", operation_id="pingWebhook", summary="Send a test event")
    async def ping(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], webhook_id: FromPath[UUID]
    ) -> DeliveryView:
        """Send a `webhook.ping`; how it went stands in the delivery a moment later."""
        return _delivery_view(await platform.webhooks.ping(caller, OrganizationId(organization_id), webhook_id))

    @post("/{webhook_id:uuid}/replay", operation_id="replayWebhook", summary="Send everything since again")
    async def replay_since(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        webhook_id: FromPath[UUID],
        data: JSONBody[ReplaySince],
    ) -> Replayed:
        """Send what was delivered or given up since a moment again, oldest first, 1,000 at most."""
        require_moment(data.since, "since")
        count = await platform.webhooks.replay_since(caller, OrganizationId(organization_id), webhook_id, data.since)
        return Replayed(count=count)

    @get("/{webhook_id:uuid}/deliveries", operation_id="listWebhookDeliveries", summary="What was sent to an endpoint")
    async def deliveries(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        webhook_id: FromPath[UUID],
        failed: Failed = None,
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> DeliveryList:
        """Deliveries with their attempts, newest first."""
        rows = await platform.webhooks.list_deliveries(
            caller,
            OrganizationId(organization_id),
            webhook_id,
            is_failed=failed,
            before=after_id(cursor),
            limit=limit + 1,
        )
        page = page_of(rows, limit, lambda delivery: (delivery.id,))
        return DeliveryList(items=[_delivery_view(one) for one in page.rows], next_cursor=page.next_cursor)

    @get("/{webhook_id:uuid}/deliveries/{delivery_id:uuid}", operation_id="getWebhookDelivery", summary="One delivery")
    async def delivery(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        webhook_id: FromPath[UUID],
        delivery_id: FromPath[UUID],
    ) -> DeliveryView:
        """One delivery with its attempts."""
        organization = OrganizationId(organization_id)
        return _delivery_view(await platform.webhooks.get_delivery(caller, organization, webhook_id, delivery_id))

    @post(
        "/{webhook_id:uuid}/deliveries/{delivery_id:uuid}/replay",
        operation_id="replayWebhookDelivery",
        summary="Send one delivery again",
    )
    async def replay(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        webhook_id: FromPath[UUID],
        delivery_id: FromPath[UUID],
    ) -> DeliveryView:
        """Send one delivery again, under the same `webhook-id`."""
        organization = OrganizationId(organization_id)
        return _delivery_view(await platform.webhooks.replay(caller, organization, webhook_id, delivery_id))
