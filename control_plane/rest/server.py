"""The REST door: the Litestar application, what stands around it, and the server in front."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import structlog
from litestar import Litestar, Request, Response, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from control_plane.domain.errors import DomainError
from control_plane.rest.accounts import SIGN_IN_LIMIT_KEY, auth_router, on_unrouted
from control_plane.rest.audit import AuditController
from control_plane.rest.callers import provide_caller
from control_plane.rest.conditional import Conditional
from control_plane.rest.demo import DEMO_FILE_KEY, show_demo
from control_plane.rest.docs_style import find_fonts
from control_plane.rest.doorstep import Doorstep
from control_plane.rest.feed import FeedController
from control_plane.rest.health import health, metrics, ready
from control_plane.rest.http1 import HttpServer, listen
from control_plane.rest.idempotency import Idempotent
from control_plane.rest.invitations import InvitationController
from control_plane.rest.limits import Limited
from control_plane.rest.live import LiveController
from control_plane.rest.mailbox import read_mailbox
from control_plane.rest.members import MemberController
from control_plane.rest.negotiating import Negotiating
from control_plane.rest.nodes import ENROLMENT_TOKEN_KEY, enrol
from control_plane.rest.observing import METRICS_KEY, Metrics, Observed
from control_plane.rest.openapi import finish_document, openapi_config
from control_plane.rest.organizations import OrganizationController
from control_plane.rest.persons import PersonController, list_permissions
from control_plane.rest.plans import list_plans
from control_plane.rest.problems import on_any_error, on_domain_error, on_http_error
from control_plane.rest.room_listing import RoomsShortcut, StraightRooms
from control_plane.rest.room_roles import RoomRoleController
from control_plane.rest.rooms import RoomController
from control_plane.rest.routes import own_id_paths
from control_plane.rest.sso import SsoController
from control_plane.rest.sso_people import SsoPeopleController
from control_plane.rest.tokens import ApiTokenController
from control_plane.rest.webapp import WebApp, page_headers
from control_plane.rest.webhooks import WebhookController, show_catalogue
from control_plane.rest.wire import RawSchemas, StrictRequest
from control_plane.rest.workspaces import WorkspaceController
from control_plane.services.platform import Platform
from control_plane.settings import Settings

MAX_BODY_BYTES = 64 * 1024
"""Largest body of a request; nothing here needs a tenth of it."""
ALLOWED_HEADERS = [
    "authorization",
    "content-type",
    "apikey",
    "x-client-info",
    "x-supabase-api-version",
    "idempotency-key",
    "if-match",
    "if-none-match",
]
"""What a page of another of our origins may send."""
SHOWN_HEADERS = [
    "x-request-id",
    "retry-after",
    "etag",
    "idempotency-replayed",
    "deprecation",
    "sunset",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "ratelimit-policy",
    "x-supabase-api-version",
    "x-total-count",
    "link",
]
"""What it may read."""
GARBAGE_OBJECTS = 10_000
"""How many more objects than before make the collector look; Python's own 700 come together in a few requests."""
log = structlog.get_logger(__name__)


class Door(NamedTuple):
    """app: the whole door as one ASGI application without a lifespan; straight: the same for some requests, past ASGI."""

    app: Observed
    straight: StraightRooms


def create_app(platform: Platform, settings: Settings) -> ASGIApp:
    """The whole door as one ASGI application without a lifespan: the platform's owner opens and closes it."""
    return create_door(platform, settings).app


def create_door(platform: Platform, settings: Settings) -> Door:
    """The whole door, for a server that knows the straight way, too."""
    own_metrics = Metrics()
    api = create_api(platform, settings, own_metrics)
    app: ASGIApp = Idempotent(api, platform, MAX_BODY_BYTES, own_id_paths(api))
    negotiating = Negotiating(Conditional(app, platform, MAX_BODY_BYTES), api, find_fonts(settings.webapp_dir))
    app = limited = Limited(negotiating, platform, settings)
    if settings.webapp_dir is not None:
        facts = {"signaling-url": settings.signaling_url}
        if settings.demo_file is not None:
            facts["demo"] = "on"
        others = [settings.signaling_url]
        if settings.supabase_url is not None:
            facts |= {"auth-url": f"{settings.supabase_url}/auth/v1", "auth-key": settings.supabase_anon_key}
            others.append(settings.supabase_url)
        app = WebApp(settings.webapp_dir, app, page_headers(*others), facts)
    shortcut = RoomsShortcut(app, limited, platform)
    doorstep = Doorstep(shortcut, settings)
    observed = Observed(doorstep, own_metrics, _headers(settings))
    return Door(observed, StraightRooms(observed, doorstep, shortcut))


def create_api(platform: Platform, settings: Settings, own_metrics: Metrics) -> Litestar:
    """The Litestar application: `/api/v1`, `/auth/v1`, `/internal`, health."""
    controllers = [OrganizationController, InvitationController, RoomController, LiveController, FeedController]
    controllers += [WorkspaceController, MemberController, RoomRoleController, AuditController, PersonController]
    controllers += [ApiTokenController, WebhookController, SsoController, SsoPeopleController]
    app = Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=[*controllers, list_plans, list_permissions, show_catalogue, show_demo]),
            *([] if settings.supabase_url is not None else [auth_router()]),
            enrol,
            read_mailbox,
            health,
            ready,
            metrics,
        ],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "caller": Provide(provide_caller),
        },
        exception_handlers={
            DomainError: on_domain_error,
            HTTPException: _on_http_error,
            Exception: on_any_error,
        },
        openapi_config=openapi_config(),
        plugins=[RawSchemas()],
        state=State(
            {
                METRICS_KEY: own_metrics,
                DEMO_FILE_KEY: settings.demo_file,
                ENROLMENT_TOKEN_KEY: settings.node_enrolment_token,
                SIGN_IN_LIMIT_KEY: (settings.sign_in_attempts, settings.sign_in_refill_per_s),
            }
        ),
        cors_config=CORSConfig(
            allow_origins=sorted(settings.allowed_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=SHOWN_HEADERS,
            max_age=600,
        ),
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        debug=False,
    )
    finish_document(app)
    return app


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Answer what the framework refused, in the words of the part it was meant for."""
    answer = on_unrouted(request, error)
    return on_http_error(request, error) if answer is None else answer


def _headers(settings: Settings) -> dict[str, str]:
    """Headers of every answer. Pages bring a policy of their own; what is no page may load nothing."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }
    if urlsplit(settings.public_url).scheme == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


async def serve(platform: Platform, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then let running requests end.

    Raises:
        OSError: the port can't be bound.
    """
    listener = listen(settings.host, settings.port)
    door = create_door(platform, settings)
    server = HttpServer(door.app, door.straight)
    _settle_memory()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    log.info("rest door opens", host=settings.host, port=settings.port)
    await server.serve([listener])
    door.app.settle()
    log.info("rest door closed")


def _settle_memory() -> None:
    """Spare the collector what lives as long as the process, and look for circles seldom: requests leave hardly any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)
