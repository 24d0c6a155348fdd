"""Assemble the service, and run the server, which answers this machine only until somebody grants access."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from perfml.access.oidc.provider import OidcProvider, client_secret
from perfml.disclosure.budget import QueryBudget
from perfml.project.folder import ProjectFolder
from perfml.service.access.admission import Admission
from perfml.service.access.other_machines import refuse_unguarded
from perfml.service.access.rules import RULES, all_rules
from perfml.service.document import documented_app
from perfml.service.pages import pages
from perfml.service.routes import ROUTERS
from perfml.service.serving.audit_writer import AuditWriter
from perfml.service.serving.connections import MOST_CONNECTIONS, MOST_HEADER, TimedConnection
from perfml.service.serving.entrance import Entrance
from perfml.service.serving.kept_answers import KeptAnswers
from perfml.service.serving.log_lines import LogForm, set_up_logging
from perfml.service.serving.metrics import ServiceMetrics
from perfml.service.serving.moment import MomentaryLook, MomentaryVersions
from perfml.service.serving.routing.route_index import index_routes
from perfml.service.store import Store
from perfml.service.warming import Warming
from perfml.service.web.pages import WEB_ROUTERS
from perfml.service.web.rendering import Templates
from perfml.service.web.rules import WEB_RULES

GRACE_SECONDS = 20
"""How long requests may take that were begun before the service was told to end."""


def create_app(
    home: str | Path, folder: ProjectFolder | None = None, *, hosts: Sequence[str] = (), local_login: bool = False
) -> FastAPI:
    """Build the application over the models and scores under ``home``, which may still be empty; ``folder``: the definitions
    (default: those that perfml ships); ``hosts``: names under which other machines are answered; ``local_login``: for
    development.
    """
    app = documented_app()
    app.state.store = store = Store(Path(home), folder)
    versions, look = MomentaryVersions(store.home), MomentaryLook()
    app.state.answers, app.state.audit = KeptAnswers(versions, look), AuditWriter(store.home)
    app.state.admission = Admission(
        store.home,
        store.folder,
        versions,
        rules=all_rules(RULES, WEB_RULES),
        required=bool(hosts),
        local_login=local_login,
        look=look,
    )
    oidc = store.folder.spec.service.oidc
    app.state.provider = None if oidc is None else OidcProvider(oidc, secret=client_secret())
    app.state.templates = Templates(store.folder)
    app.state.budget = QueryBudget(store.disclosure.queries_a_day)
    app.state.metrics = metrics = ServiceMetrics(app.state.answers, app.state.audit)
    routes = index_routes(app, (*ROUTERS, pages, *WEB_ROUTERS))
    app.middleware_stack = Entrance(routes, metrics=metrics, hosts=hosts)
    return app


def serve(
    home: str | Path,
    host: str = "127.0.0.1",
    port: int = 8321,
    *,
    folder: ProjectFolder | None = None,
    hosts: Sequence[str] = (),
    local_login: bool = False,
    log_form: LogForm = "text",
    proxies: str | None = None,
) -> None:
    """Listen until interrupted, and then answer what was asked before, for at most :data:`GRACE_SECONDS`.

    ``proxies``: addresses whose word counts for who asks and how (``X-Forwarded-For``, ``-Proto``), separated by commas; default
    ``FORWARDED_ALLOW_IPS`` in the environment, else this machine. Raises :class:`PerfmlError` where other machines would be let
    in without ``hosts``, before anybody is administrator, or with ``local_login``.

    The server's own access log stays off: its lines would name employees. :class:`Entrance` names addresses only.
    """
    refuse_unguarded(Path(home), host, hosts=hosts, local_login=local_login)
    set_up_logging(log_form)
    app = create_app(home, folder, hosts=hosts, local_login=local_login)
    Warming(app.state.store).start()
    listen(app, host, port, proxies=proxies)


def listen(app: FastAPI, host: str, port: int, *, proxies: str | None = None) -> None:
    """Answer by ``app`` as :func:`serve` does, until interrupted."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
        http=TimedConnection,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=MOST_HEADER,
    )
