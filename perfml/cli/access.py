"""The commands of access: ``perfml access grant``, ``revoke``, ``list``, ``token`` and ``setup-link``."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from perfml import terminal
from perfml.access.accounts import Account
from perfml.access.credentials import IssuedSecret
from perfml.access.principals import Role, RoleGrant
from perfml.api import Project
from perfml.cli.options import HomeOption, JsonOption, ProjectOption, print_json

access = typer.Typer(
    name="access", no_args_is_help=True, help="Who may do what: roles of accounts, tokens, and the first administrator."
)
GranterOption = Annotated[str, typer.Option("--by", help="Who grants or revokes: a person's name.")]
MomentOption = Annotated[str | None, typer.Option("--now", help="Moment, UTC (default: the clock's).")]


@access.command()
def grant(
    account: str,
    role: Annotated[Role, typer.Argument(help="hr, employee, data_scientist, auditor or administrator.")],
    *,
    by: GranterOption,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", help="Of HR: department:NAME, location:NAME or everything; repeatable."),
    ] = None,
    employee: Annotated[str | None, typer.Option("--employee", help="Which employee the account is.")] = None,
    begins: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD (default: today).")] = None,
    until: Annotated[str | None, typer.Option("--until", help="First day without it (default: for good).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Grant an account a role; a manager's line and the own data follow from --employee."""
    opened = Project(project, home=home)
    _print_account(
        opened.grant(account, role.value, by=by, units=unit or (), employee=employee, begins=begins, until=until),
        as_json,
    )


@access.command()
def revoke(
    account: Annotated[str, typer.Argument(help="An account, or with --credential the id of a token or session.")],
    role: Annotated[Role | None, typer.Argument(help="Default: every role, token and session.")] = None,
    *,
    by: GranterOption,
    credential: Annotated[bool, typer.Option("--credential", help="End one token or session by its id.")] = False,
    today: Annotated[str | None, typer.Option("--today", help="First day without it (default: today).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a role, a token, or everything that an account has."""
    opened = Project(project, home=home)
    if credential:
        ended = opened.revoke_credential(account, by=by)
        if as_json:
            print_json(ended.to_json())
        else:
            _line(f"{ended.id}: revoked · 已撤销")
        return
    left, count = opened.revoke(account, None if role is None else role.value, by=by, today=today)
    if as_json:
        print_json(left.to_json() | {"credentials_ended": count})
    else:
        _line(f"{account}: revoked, {count} tokens and sessions ended · 已撤销，{count} 个令牌和会话已失效")


@access.command("list")
def list_all(
    *, now: MomentOption = None, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List accounts with their roles, and the tokens and sessions that are valid."""
    opened = Project(project, home=home)
    accounts, credentials = opened.accounts(), opened.credentials(now=now)
    if as_json:
        print_json(
            {
                "accounts": [account.to_json() for account in accounts],
                "credentials": [each.to_json() for each in credentials],
            }
        )
        return
    if not accounts and not credentials:
        _line("nobody was granted anything · 尚未授予任何权限")
        return
    roles = Table("account 账号", "role 角色", "units 范围", "days 期间", "by 授予人", box=None, header_style="dim")
    for account in accounts:
        for granted, by in account.grants:
            units = ", ".join(sorted(granted.units))
            roles.add_row(*map(escape, (account.id, granted.role.value, units, _days(granted), by)))
    terminal.out.print(roles)
    if credentials:
        valid = Table(
            *("id 编号", "kind 类型", "account 账号", "used 最近使用", "until 有效期至", "label 说明"),
            box=None,
            header_style="dim",
        )
        for each in credentials:
            until = f"{each.expires_at:%Y-%m-%d %H:%M}"
            used = "" if each.used_at is None else f"{each.used_at:%Y-%m-%d}"
            valid.add_row(*map(escape, (each.id, each.kind.value, each.account, used, until, each.label)))
        terminal.out.print(valid)


@access.command()
def token(
    account: str,
    *,
    by: GranterOption,
    days: Annotated[int, typer.Option("--days", help="How long it is valid.")] = 90,
    action: Annotated[
        list[str] | None,
        typer.Option("--action", help="All that it allows; repeatable (default: what the account may)."),
    ] = None,
    label: Annotated[str, typer.Option("--label", help="What it is for, to recognise it by.")] = "",
    now: MomentOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API token. It is printed once and stored as a hash."""
    opened = Project(project, home=home)
    _print_secret(opened.token(account, by=by, days=days, actions=action, label=label, now=now), as_json)


@access.command("setup-link")
def setup_link(
    *,
    by: GranterOption,
    now: MomentOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the link by which the first administrator is named: once, within an hour."""
    _print_secret(Project(project, home=home).setup_link(by=by, now=now), as_json)


def _print_account(account: Account, as_json: bool) -> None:
    if as_json:
        print_json(account.to_json())
        return
    newest, _ = account.grants[-1]
    units = f" ({', '.join(sorted(newest.units))})" if newest.units else ""
    _line(f"{account.id}: {newest.role.value}{units}, {_days(newest)} · 已授予")


def _print_secret(issued: IssuedSecret, as_json: bool) -> None:
    if as_json:
        print_json(issued.credential.to_json() | {"secret": issued.secret})
        return
    until = f"{issued.credential.expires_at:%Y-%m-%d %H:%M} UTC"
    _line(issued.secret)
    _line(f"shown once, valid until {until} · 仅显示一次，有效期至 {until}")


def _days(granted: RoleGrant) -> str:
    begins = "" if granted.begins == dt.date.min else granted.begins.isoformat()
    return f"{begins} – {granted.ends.isoformat() if granted.ends else ''}".strip()


def _line(text: str) -> None:
    terminal.out.print(escape(text), highlight=False, soft_wrap=True)
