"""The page and the address of policies: to whom, what is withheld, and that a prediction is said to be no effect."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.evidence.population.facts import PERIODS
from perfml.learning.effects.record import EffectRecord, IntervalRecord
from perfml.messages import Message
from perfml.scoring.people.periods import keep_periods
from perfml.scoring.what_if.files import keep_policy
from perfml.scoring.what_if.record import (
    ExpectedRecord,
    HorizonExpectedRecord,
    PolicyRecord,
    ShiftRecord,
    UnitExpectedRecord,
)
from tests.service.accounts import FIRST, token
from tests.service.company import DAY
from tests.service.web.admitted import pages_of
from tests.service.web.test_person import plain

pytestmark = pytest.mark.slow
HOSTILE = "<script>alert(1)</script>"
POSITIONS = (("boss", None, "board"), ("e1", "boss", "sales"))
SHOWN = {"kind": "flexible_leave", "days": 91, "people": 900, "estimate": -1.4, "low": -2.6, "high": -0.2}


def keep_flexible(home: Path) -> None:
    effects = (
        EffectRecord(
            kind="flexible_leave",
            design="staggered",
            verdict="shown",
            days=91,
            people=900,
            units=20,
            estimate=-0.014,
            interval_80=IntervalRecord(low=-0.022, high=-0.006),
            interval_95=IntervalRecord(low=-0.026, high=-0.002),
            alike_95=IntervalRecord(low=-0.021, high=-0.007),
            placebo_p=0.4,
            text=Message.of("effect_staggered", **SHOWN),
        ),
        EffectRecord(
            kind="mentor",
            design="association",
            verdict="insufficient",
            days=91,
            text=Message.of("effect_few_people", kind="mentor"),
        ),
    )
    whole = ExpectedRecord(people=300, concerned=40, before=22.25, after=19.5)
    units = (
        UnitExpectedRecord(department=HOSTILE, people=200, concerned=30, before=15.0, after=13.0),
        UnitExpectedRecord(department="sales", people=60, concerned=8, before=4.25, after=3.75),
        UnitExpectedRecord(department=None, people=31, concerned=7, before=2.5, after=1.5),
        UnitExpectedRecord(department="legal", people=9, withheld="few people"),
    )
    shift = ShiftRecord(
        column="overtime_sum_28d", en="overtime", zh="加班", unit="hours", limit=20, taken=18.4, unknown=2
    )
    keep_policy(
        PolicyRecord(
            policy="flexible",
            en="Flexible leave",
            zh="弹性休假",
            as_of=DAY,
            model="attrition",
            model_version="v1",
            shifts=(shift,),
            horizons=(HorizonExpectedRecord(horizon_days=91, whole=whole, departments=units),),
            effects=effects,
            effects_as_of=DAY,
            note=Message.of("policy_note"),
        ),
        home,
    )


@pytest.fixture(scope="module")
def policy_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("policies") / "home"
    rows = [(person, FIRST, None, manager, department, None) for person, manager, department in POSITIONS]
    columns = dict(zip(PERIODS.names, zip(*rows, strict=True), strict=True))
    keep_periods(pa.table(columns, schema=PERIODS), home, as_of=DAY)
    keep_flexible(home)
    return home


@pytest.fixture(scope="module")
def pages(policy_home: Path) -> TestClient:
    return pages_of(policy_home)


def test_hr_reads_it_and_nobody_else(pages: TestClient, policy_home: Path) -> None:
    visitors = {
        "hr": token(policy_home, "hr", Role.HR),
        "hr of sales": token(policy_home, "hr of sales", Role.HR, units=frozenset({"department:sales"})),
        "scientist": token(policy_home, "scientist", Role.DATA_SCIENTIST),
        "boss": token(policy_home, "a boss", Role.EMPLOYEE, employee="boss"),
    }
    for address in ("/hr/policies", "/v1/what-if/policies"):
        given = {name: pages.get(address, headers=headers).status_code for name, headers in visitors.items()}
        assert {name for name, status in given.items() if status == 200} == {"hr", "hr of sales"}, given


def test_it_says_what_is_predicted_and_what_is_known(pages: TestClient, policy_home: Path) -> None:
    headers = token(policy_home, "hr 2", Role.HR)
    expected = {
        "en": (
            "Flexible leave",
            "prediction and not an effect",
            "only if nothing else came to those departments",
            "-2.1 … -0.7",
            "22.2",
            "19.5",
        ),
        "zh-CN": (
            "弹性休假",
            "这是预测，不是效果",
            "只有在这些部门同期没有其他变化的前提下",
            "-2.1 … -0.7",
            "22.2",
            "19.5",
        ),
    }
    for language, parts in expected.items():
        page = pages.get("/hr/policies", headers=headers | {"Accept-Language": language})
        text = plain(page.text)
        assert all(part in text for part in parts), text
        assert "cause" not in text.split("When an effect")[0]
        assert HOSTILE not in page.text and "&lt;script&gt;" in page.text
    (policy,) = pages.get("/v1/what-if/policies", headers=headers).json()["policies"]
    assert policy["effects"][0]["interval_80"] == {"low": -0.022, "high": -0.006} and not policy["effects"][0]["causes"]
    assert (
        policy["horizons"][0]["departments"][-1] | {"after": None, "withheld": "few people"}
        == (policy["horizons"][0]["departments"][-1])
    )
    assert pages.get("/v1/what-if/policies?policy=none", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("language", "why", "nothing"),
    [
        ("en", "those of the departments that you answer for", "No department lies wholly within the units"),
        ("zh-CN", "预测数字只列出您负责的部门", "没有任何部门完全属于您负责的范围"),
    ],
)
def test_hr_of_a_unit_reads_its_own_figures_and_effects(
    pages: TestClient, policy_home: Path, language: str, why: str, nothing: str
) -> None:
    def page(account: str, unit: str) -> str:
        headers = token(policy_home, f"{account} {language}", Role.HR, units=frozenset({unit}))
        return pages.get("/hr/policies", headers=headers | {"Accept-Language": language}).text

    own = plain(page("hr of sales", "department:sales"))
    assert why in own and "4.2" in own and "3.8" in own and nothing not in own
    assert not [figure for figure in ("22.2", "19.5", "15.0", "2.5 ", "18.4") if figure in own.split("4.2")[1]], own
    assert "script" not in own and "legal" not in own
    elsewhere = plain(page("hr of Oslo", "location:Oslo"))
    assert nothing in elsewhere and "4.2" not in elsewhere and ("−2.6" in elsewhere or "-2.6" in elsewhere)


def test_the_address_gives_hr_of_a_unit_the_same(pages: TestClient, policy_home: Path) -> None:
    headers = token(policy_home, "hr of sales 2", Role.HR, units=frozenset({"department:sales"}))
    (policy,) = pages.get("/v1/what-if/policies", headers=headers).json()["policies"]
    (horizon,) = policy["horizons"]
    assert policy["part"] and horizon["whole"] is None and policy["shifts"][0]["unknown"] is None
    assert [each["department"] for each in horizon["departments"]] == ["sales"]
    assert pages.get("/v1/what-if/policies?department=legal", headers=headers).status_code == 404
    withheld = token(policy_home, "hr of legal", Role.HR, units=frozenset({"department:legal"}))
    (policy,) = pages.get("/v1/what-if/policies", headers=withheld).json()["policies"]
    (few,) = policy["horizons"][0]["departments"]
    assert (few["before"], few["after"], few["withheld"]) == (None, None, "few people")


def test_an_empty_home_says_what_to_run(tmp_path: Path) -> None:
    client = pages_of(tmp_path / "home")
    headers = token(tmp_path / "home", "hr", Role.HR)
    page = client.get("/hr/policies", headers=headers)
    assert page.status_code == 200 and "perfml what-if --policy" in page.text
    assert client.get("/v1/what-if/policies", headers=headers).status_code == 404
