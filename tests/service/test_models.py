"""Descriptions of models, and what happens when their files are damaged or altered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import perfml
from perfml.learning.registry.artifacts import CANDIDATE, VERSION_LENGTH, sha256
from perfml.learning.registry.promotion import promote
from perfml.project.folder import ProjectFolder
from perfml.service.app import create_app
from tests.records import figure
from tests.service.company import train


def test_a_model_is_described_with_its_backtest_and_gates(home: Path, client: TestClient) -> None:
    body = client.get("/v1/models/attrition").json()
    assert body["title"] == {"zh": "主动离职风险", "en": "Risk of leaving"}
    assert (body["trained_until"], body["scored"], body["card"]) == (
        "2026-08-01",
        ["2026-09-01", "2026-08-01"],
        "# Card\n卡片\n",
    )
    assert [(h["horizon_days"], h["proven"], h["verdict"]["zh"]) for h in body["horizons"]] == [
        (91, True, "优于 tenure_days（AUC +0.100，2 倍标准误为 0.050）"),
        (182, False, "不优于 tenure_days（AUC +0.001，2 倍标准误为 0.020）"),
    ]
    assert body["horizons"][0]["model"] == {"auc": figure(0.8).model_dump()}
    assert body["horizons"][0]["difference"]["auc"]["value"] is None
    assert [(h["calibration_error"], h["calibration_error_floor"]) for h in body["horizons"]] == [(0.02, 0.01)] * 2
    assert body["segments"] == {"top": {"zh": "高绩效员工", "en": "Top-rated people"}}
    assert body["horizons"][1]["gates"] == [
        {
            "name": "baseline",
            "verdict": "fail",
            "figure": "AUC +0.100 ± 0.010 over tenure_days",
            "limit": "> 2 SE",
            "text": {
                "zh": "不优于 tenure_days（AUC +0.001，2 倍标准误为 0.020）",
                "en": "no better than tenure_days (AUC +0.001, 2 SE = 0.020)",
            },
        }
    ]
    assert client.get("/v1/models").json() == {"models": [body], "refused": []}


def test_the_stage_is_that_of_the_version_in_use(home: Path, client: TestClient) -> None:
    """A candidate is used until somebody promotes one; from then on a newer candidate waits."""
    first = client.get("/v1/models/attrition").json()
    assert first["stage"] == "candidate"
    promote(home, "attrition", approver="Li Na", reason="Better than the baseline.")
    assert client.get("/v1/models/attrition").json() == {**first, "stage": "champion"}
    train(home, "attrition", {91: True}, until="2026-08-15")
    assert client.get("/v1/models/attrition").json() == {**first, "stage": "champion"}


def test_a_model_of_an_older_perfml_is_refused_with_a_remedy(home: Path, client: TestClient) -> None:
    """Its description holds no gates, so whether it passed them is unknown."""
    old = {"about": {"until": "2026-08-01", "spec": {}, "backtests": {}}}
    folder = home / "models" / "attrition" / "writing"
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps(old), encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps({"model.json": sha256(folder / "model.json")}), encoding="utf-8")
    version = sha256(folder / "manifest.json")[:VERSION_LENGTH]
    folder.rename(folder.with_name(version))
    (home / "models" / "attrition" / CANDIDATE).write_text(version)
    answer = client.get("/v1/models/attrition")
    assert answer.status_code == 503 and "train attrition" in answer.json()["remedy"]


def test_health_says_which_models_have_scores_and_how_fresh(home: Path, client: TestClient) -> None:
    body = client.get("/v1/health").json()
    assert (body["status"], body["perfml"]) == ("ok", perfml.__version__)
    assert body["models"][0]["as_of"] == "2026-09-01" and 0 <= body["models"][0]["age_hours"] < 1
    train(home, "unscored", {91: True})
    worse = client.get("/v1/health").json()
    assert worse["status"] == "degraded" and worse["models"][1]["problem"]["remedy"] == "run `perfml score unscored`"


def test_an_empty_home_is_answered(tmp_path: Path) -> None:
    empty = TestClient(create_app(tmp_path / "none"), base_url="http://localhost")
    assert empty.get("/v1/health").json()["status"] == "degraded"
    assert empty.get("/v1/models").json() == {"models": [], "refused": []}
    assert empty.get("/v1/models/x/at-risk").json()["remedy"] == "run `perfml train`"
    assert empty.get("/v1/employees/x/risk").status_code == 404


@pytest.mark.parametrize("file", ["model.json", "manifest.json"])
@pytest.mark.parametrize("how", ["altered", "removed"])
def test_an_altered_model_is_refused_with_a_remedy(home: Path, client: TestClient, file: str, how: str) -> None:
    version = client.get("/v1/models/attrition").json()["version"]
    path = home / "models" / "attrition" / version / file
    if how == "altered":
        path.write_text(path.read_text().replace("false", "true") + " ")
    else:
        path.unlink()
    for address in (
        "/v1/models/attrition",
        "/v1/models/attrition/at-risk?horizon_days=182",
        "/v1/employees/E1/risk",
        "/v1/employees/nobody/risk",
    ):
        answer = client.get(address)
        assert answer.status_code == 503, address
        assert "perfml train attrition" in answer.json()["remedy"] and answer.json()["zh"]
        assert str(home) not in answer.text
    assert len(client.get("/v1/models").json()["refused"]) == 1
    assert (
        client.get("/v1/health")
        .json()["models"][0]["problem"]["where"]
        .endswith(file if how == "altered" or "model" in file else version)
    )


@pytest.mark.parametrize("content", [b"", b"PAR1 cut", b"x" * 4000])
def test_a_damaged_score_file_is_refused_with_a_remedy(home: Path, client: TestClient, content: bytes) -> None:
    (home / "scores" / "attrition" / "2026-09-01.parquet").write_bytes(content)
    for address in ("/v1/models/attrition/at-risk", "/v1/employees/E1/risk"):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["detail"]) == (503, "was altered or cut")
        assert answer.json()["remedy"] == "score that date again: `perfml score attrition --as-of 2026-09-01`"
    assert client.get("/v1/health").json()["status"] == "degraded"


def test_a_score_file_with_its_middle_damaged_is_refused(home: Path, client: TestClient) -> None:
    path = home / "scores" / "attrition" / "2026-09-01.parquet"
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(content)
    assert client.get("/v1/models/attrition/at-risk").status_code == 503


@pytest.mark.parametrize(
    "name", ["../scores", "/etc/passwd", "attrition/../attrition", "..", ".", "*", "", "ATTRITION"]
)
def test_no_name_leads_out_of_the_models(client: TestClient, name: str) -> None:
    answer = client.get("/v1/employees/E1/risk", params={"model": name})
    assert (answer.status_code, answer.json()["remedy"]) == (404, "use one of: attrition")


def test_a_name_with_a_null_character_is_refused(client: TestClient) -> None:
    answer = client.get("/v1/employees/E1/risk", params={"model": "attrition\0"})
    assert (answer.status_code, answer.json()["remedy"]) == (422, "leave out the character U+0000")


@pytest.mark.parametrize("pointer", ["candidate", "champion"])
def test_a_pointer_that_leads_out_is_refused(home: Path, client: TestClient, pointer: str) -> None:
    (home / "models" / "attrition" / pointer).write_text("../../elsewhere\n")
    assert client.get("/v1/models/attrition").status_code == 503


@pytest.mark.slow
def test_group_figures_have_a_budget_a_day(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "perfml.toml").write_text('name = "x"\n[disclosure]\nqueries_a_day = 2\n', encoding="utf-8")
    client = TestClient(create_app(home, ProjectFolder(folder)), base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    everybody, filtered = "/v1/models/attrition/at-risk", "/v1/models/attrition/at-risk?department=North"
    assert [client.get(path).status_code for path in (everybody, filtered, filtered, everybody)] == [200] * 4
    refused = client.get(filtered)
    assert refused.status_code == 429 and client.get("/v1/models").status_code == 429
    assert refused.json()["en"] == (
        "today: the 2 requests for group figures that one client has a day are used up;"
        " ask again tomorrow; the project file sets how many"
    )
    assert client.get(everybody).status_code == client.get("/v1/health").status_code == 200
