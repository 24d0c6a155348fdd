"""The small company whose exports are made."""

from __future__ import annotations

import pytest

from tests.exports.company import Company, company


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """120 people over three years."""
    return company(tmp_path_factory.mktemp("small"))
