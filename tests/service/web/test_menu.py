"""The ways from the head of a page: one row, or groups where they are many."""

from __future__ import annotations

from perfml.access.principals import Role
from perfml.service.web.menu import MENU, MOST_IN_ROW, groups_of, menu_of


def test_many_pages_stand_in_groups_and_none_is_lost() -> None:
    entries = menu_of({Role.HR}, lambda action, subject: True)
    groups = groups_of(entries)
    assert len(entries) > MOST_IN_ROW, "so that the test can fail"
    assert 1 < len(groups) <= MOST_IN_ROW and all(len(group.entries) <= MOST_IN_ROW for group in groups)
    assert sorted(entry.address for group in groups for entry in group.entries) == sorted(e.address for e in entries)
    assert groups[0].entries[0] == entries[0], "the first page stays the first"


def test_few_pages_stand_beside_each_other() -> None:
    few = [entry for entry in MENU if Role.EMPLOYEE in entry.roles]
    assert few and groups_of(few) == []
