"""A home with a list, suggestions and who is who, and a receiver that writes down what it is sent."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa

from perfml.project.trust.export_spec import ExportSpec
from perfml.scoring.people.files import keep_people
from perfml.trust.disputes.dispute_log import DisputeLog
from tests.service.company import DAY, advise, keep, scored, train, without
from tests.trust.disputes.case import RULES

OWNER = {"name": "hr"}


def make_home(home: Path, people: Mapping[str, str] | None = None) -> Path:
    """People with their department; all but the last two are on the list, one of them is held."""
    departments = people or {"张伟": "South", "E1": "South", "E2": "North", "E3": "North", "H1": "North"}
    version = train(home, "attrition", {91: True})
    *listed, last, held = departments
    rows = [scored(person, rank, band="act") for rank, person in enumerate(listed, 1)]
    rows += [scored(last, len(listed) + 1), without(held, "held", why_not="reviews: rating outside scale")]
    keep(home, "attrition", version, rows)
    empty = {"manager_name": None, "manager_id": "M1", "role_family": "sales", "level": 3, "tenure_days": 400}
    who = [
        {"employee_id": person, "name": f"Name of {person}", "department": department, "location": "Harbour", **empty}
        for person, department in departments.items()
    ]
    keep_people(pa.Table.from_pylist(who), home, as_of=DAY)
    advise(home)
    return home


def spec(what: str = "at_risk", **keys: object) -> ExportSpec:
    """An export, with what is needed and ``keys``."""
    return ExportSpec.model_validate(
        {"zh": "名单", "en": "List", "what": what, "purpose": "support", "owner": OWNER, **keys}
    )


def dispute(home: Path, person: str, *, on: dt.date) -> None:
    """A person disputes a row of theirs."""
    DisputeLog(home, RULES).file(
        person, table="reviews", key=f"r-{person}", right={}, by=person, on=on, idempotency_key=f"d-{person}"
    )


@dataclass
class Receiver:
    """What a webhook was sent, and what it answers, the last answer for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    location: str | None = None
    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on this machine."""
    own = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            own.messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = own.answers.pop(0) if len(own.answers) > 1 else own.answers[0]
            self.send_response(status)
            if own.location:
                self.send_header("location", own.location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        own.url = f"http://127.0.0.1:{server.server_address[1]}/in?token=path-secret"
        try:
            yield own
        finally:
            server.shutdown()
            thread.join()
