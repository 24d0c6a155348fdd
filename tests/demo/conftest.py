"""One simulated company for all of these tests. Read it; change nothing in it."""

from __future__ import annotations

import pytest

from perfml.demo.company import simulate
from tests.demo.company import END, START, Company


@pytest.fixture(scope="package")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("company")
    return Company(folder, simulate(folder, employees=600, start=START, end=END, seed=7))
