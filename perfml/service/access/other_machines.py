"""Whether the service may answer other machines: under names that are listed, and when somebody can grant access."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from perfml.access.setting_up import is_set_up
from perfml.errors import PerfmlError
from perfml.service.serving.loopback import is_loopback, refuse_other_machines


def refuse_unguarded(home: Path, host: str, *, hosts: Sequence[str], local_login: bool) -> None:
    """Raise :class:`PerfmlError` where other machines would be let in without access control."""
    if not hosts:
        refuse_other_machines(host)
        return
    if local_login:
        raise PerfmlError(
            "would let anybody in from other machines as whomever they choose",
            where="--local-login",
            remedy="leave out --local-login, or --allow-host and --host",
        )
    if not is_set_up(home, dt.datetime.now(dt.UTC).date()):
        raise PerfmlError(
            "nobody is administrator, so nobody could be let in",
            where=f"--host {host}" if not is_loopback(host) else "--allow-host",
            remedy="start without it on this machine and open the set-up link, or use `perfml access grant`",
        )
