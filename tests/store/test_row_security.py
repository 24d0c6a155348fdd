"""Why PostgreSQL's row-level security is not the second wall: in a store of entries a hidden row does not only hide, it lifts.

See record 34. The policy works as written; what the service folds from the rows that are left is wrong.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sql

from perfml.store.opening import URL_VARIABLE
from perfml.store.record_store import NewEntry, RecordStore, read_entries
from perfml.store.tables import HOLDS, INTERVENTIONS
from perfml.trust.holds.folding import fold
from perfml.trust.holds.hold_log import HoldLog
from tests.postgresql import new_database, postgresql_server

WALL = """
create role reader;
grant select on interventions, holds to reader;
alter table interventions enable row level security;
alter table holds enable row level security;
create policy reach on interventions using (subject = any(string_to_array(current_setting('perfml.reach', true), ',')));
create policy reach on holds using (
  split_part(subject, ':', 2) = any(string_to_array(current_setting('perfml.reach', true), ',')));
"""


@pytest.mark.slow
def test_a_wall_of_the_database_hides_rows_and_with_them_what_protects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgresql_server() as server:
        monkeypatch.setenv(URL_VARIABLE, new_database(server))
        store = RecordStore(tmp_path)
        offers = [NewEntry(key=person, subject=person, entry={}) for person in ("E1", "E2")]
        store.add(INTERVENTIONS, offers)
        HoldLog(tmp_path).stop(by="anna", reason="The figures are wrong.", on=dt.date(2026, 9, 1))
        with store.transaction() as connection:
            for statement in WALL.split(";\n"):
                if statement.strip():
                    connection.execute(sql.text(statement))
        with store.transaction() as connection:
            assert [hold.active for hold in fold(read_entries(connection, HOLDS))] == [True]
            connection.execute(sql.text("set local role reader"))
            connection.execute(sql.text("select set_config('perfml.reach', 'E1', true)"))
            assert [each.subject for each in read_entries(connection, INTERVENTIONS)] == ["E1"], "the wall stands"
            assert not fold(read_entries(connection, HOLDS)), "and everything is shown that somebody stopped"
