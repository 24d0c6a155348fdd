"""The public verbs: from a company's tables to explained scores and suggestions.

Commands, routes and notebooks only translate to :class:`Project`. A verb is a function of the module of its subject, whose first
parameter is the project, and is bound to the class here. Each imports what it needs when it is called: LightGBM, scikit-learn and
MLflow take seconds to load, and most verbs need none of them.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING

from perfml.api import access as of_access
from perfml.api import advice as of_advice
from perfml.api import alerts as of_alerts
from perfml.api import deliveries as of_deliveries
from perfml.api import disputes as of_disputes
from perfml.api import evidence as of_evidence
from perfml.api import models as of_models
from perfml.api import notices as of_notices
from perfml.api import personal as of_personal
from perfml.api import reconciliation as of_reconciliation
from perfml.api import scores as of_scores
from perfml.api.operation import backup as of_backup
from perfml.api.operation import exports as of_exports
from perfml.api.shared import DataLocation, GivenData
from perfml.api.work import goals as of_goals
from perfml.api.work import indicators as of_indicators
from perfml.api.work import lines as of_lines
from perfml.api.work import milestones as of_milestones
from perfml.api.work import network as of_network
from perfml.api.work import policies as of_policies
from perfml.api.work import process_debt as of_process_debt
from perfml.errors import DataError, MissingTables
from perfml.evidence.kept_log import KeptLog
from perfml.evidence.sources import Data, open_data
from perfml.evidence.withheld.undefined_metrics import set_aside_undefined
from perfml.messages import Message, render
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.spec import EngineName, EngineSettings
from perfml.project.starter import STARTER
from perfml.trust.deliveries.inbox import inbox
from perfml.trust.holds.facts import withheld_facts
from perfml.trust.notices.withheld import refuse_forbidden_kinds

if TYPE_CHECKING:
    from perfml.workers.pool import Workers

__all__ = ["Project"]


class Project:
    """A folder of definitions, with the verbs that turn a company's tables into explained scores.

    ``root``: the project (default: the working folder if it is one, else the starter project that perfml ships);
    ``home``: where models and scores live (default ``PERFML_HOME``, else ``<root>/var``); ``engine``: what computes evidence,
    ``duckdb`` or ``spark`` (default: ``perfml.toml``'s ``[engine] name``); ``progress`` is called with
    the task, how much of it is done, and of how much; ``workers``: who fits models beside this process (default: as many as there
    are processors to use, started where it pays). ``data`` in each verb is a folder of CSV or Parquet, a workbook,
    a DuckDB file, an ``s3://`` or ``postgresql://`` address (default: ``perfml.toml``'s ``[data] source``).
    """

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        home: str | Path | None = None,
        engine: EngineName | None = None,
        progress: Progress = SILENT,
        workers: Workers | None = None,
    ) -> None:
        chosen = Path(root) if root is not None else Path.cwd() if Path("perfml.toml").is_file() else STARTER
        self.folder = ProjectFolder(chosen)
        self.home = self.folder.home(Path(home) if home is not None else None)
        self.progress = progress
        self.workers = workers
        settings = self.folder.spec.engine
        self.engine = settings if engine is None else settings.model_copy(update={"name": engine})

    def open(
        self,
        data: GivenData | None = None,
        *,
        strict: bool = True,
        disputed: bool = False,
        kept_log: KeptLog | None = None,
        engine: EngineSettings | None = None,
    ) -> Data:
        """Open the tables, typed and checked, without disputed facts; with ``disputed`` they are as if nobody disputed them.
        ``kept_log``: what was kept of the log on earlier nights.

        ``engine``: what computes evidence, DuckDB by default; where it is Spark, only evidence can be asked of the log.
        What is open already is lent: what verbs compute of it is computed once.

        Raises :class:`DataError` for the first table that exists and cannot be used.
        """
        if isinstance(data, Data) and not disputed and kept_log is None:
            return data.lend()
        source = (data.origin if isinstance(data, Data) else data) or self.folder.spec.data.source
        if source is None:
            raise DataError(
                "no data is named",
                where="--data",
                remedy="name a folder, a workbook, a DuckDB file, an s3:// address or a postgresql:// URL",
            )
        self.progress("reading", 0, 1)
        withheld = withheld_facts(self.home)
        try:
            opened = open_data(
                source,
                self.folder.definitions.tables,
                mappings=self.folder.sources,
                inbox=inbox(self.home),
                strict=strict,
                withheld=withheld.decided if disputed else withheld,
                kept_log=kept_log,
                engine=engine,
            )
        except MissingTables as error:
            seen = [render(message, "en") for message in self._likenesses(source)]
            raise DataError(error.problem, where=error.where, remedy="; ".join([*seen, error.remedy])) from None
        if self.folder.metrics.required:
            set_aside_undefined(opened, self.folder.metrics.defined)
        refuse_forbidden_kinds(opened, self.folder, strict=strict)
        if not opened.has("employees") or not (opened.has("events") or opened.has("reviews")):
            opened.notices += self._likenesses(source, besides=opened.specs)
        self.progress("reading", 1, 1)
        return opened

    def _likenesses(self, source: DataLocation, *, besides: Container[str] = ()) -> list[Message]:
        """What the sheets of an export look like, for an error about the tables it lacks; nothing where it cannot be read."""
        try:
            return self.propose(source).likenesses(besides=besides)
        except DataError:
            return []

    # An export as it is

    propose = of_evidence.propose
    map = of_evidence.map
    template = of_evidence.template

    # Data and evidence

    check = of_evidence.check
    features = of_evidence.features
    evidence = of_evidence.evidence
    missing_days = of_evidence.missing_days
    write_features = of_evidence.write_features

    # Models

    train = of_models.train
    track = of_models.track
    promote = of_models.promote
    dashboard = of_models.dashboard
    backtest = of_models.backtest
    drift = of_models.drift
    fairness = of_models.fairness
    raters = of_models.raters

    # Scores

    score = of_scores.score
    write_scores = of_scores.write_scores
    export_scores = of_scores.export_scores
    people = of_scores.people
    explain = of_scores.explain
    explain_against = of_scores.explain_against
    what_if = of_scores.what_if
    rows_behind = of_scores.rows_behind
    curves = of_scores.curves
    replay = of_scores.replay
    check_served = of_scores.check_served

    # What can be said about a person beside the score

    record = of_personal.record
    peers = of_personal.peers
    brief = of_personal.brief
    development_card = of_personal.development_card
    eligibility = of_personal.eligibility

    # Whether to believe it

    definitions = of_reconciliation.definitions
    sign_off = of_reconciliation.sign_off
    reconcile = of_reconciliation.reconcile
    write_reconciliation = of_reconciliation.write_reconciliation
    rebase = of_reconciliation.rebase

    # Advice: nothing applies by itself

    targets = of_advice.targets
    escalations = of_advice.escalations
    backtest_targets = of_advice.backtest_targets
    courses = of_advice.courses
    priorities = of_advice.priorities
    person = of_advice.person
    decide = of_advice.decide
    log = of_advice.log

    # Goals as a whole

    goals = of_goals.goals
    kept_goals = of_goals.kept_goals
    indicators = of_indicators.indicators
    process_debt = of_process_debt.process_debt
    what_if_policy = of_policies.what_if_policy
    milestones = of_milestones.milestones
    lines = of_lines.lines
    feedback_network = of_network.feedback_network

    # Deliveries

    deliveries = of_deliveries.deliveries
    acknowledge = of_deliveries.acknowledge
    receive = of_deliveries.receive

    # Alerts

    alerts = of_alerts.alerts
    acknowledge_alert = of_alerts.acknowledge_alert
    backtest_alerts = of_alerts.backtest_alerts

    # Lists for other systems

    export = of_exports.export
    exports = of_exports.exports
    prepare_exports = of_exports.prepare_exports
    exports_due = of_exports.exports_due
    export_ledger = of_exports.export_ledger

    # Backups

    backup = of_backup.backup
    restore = of_backup.restore

    # What the law asks

    give_notice = of_notices.give_notice
    notices = of_notices.notices
    opt_out = of_notices.opt_out
    outcome = of_notices.outcome
    package = of_notices.package
    retention = of_notices.retention
    governance = of_notices.governance
    write_governance = of_notices.write_governance

    # Access

    grant = of_access.grant
    revoke = of_access.revoke
    revoke_credential = of_access.revoke_credential
    accounts = of_access.accounts
    credentials = of_access.credentials
    token = of_access.token
    is_set_up = of_access.is_set_up
    setup_link = of_access.setup_link

    # The audit log

    verify_audit = of_notices.verify_audit
    checkpoint_audit = of_notices.checkpoint_audit
    audit = of_notices.audit
    erase_audit = of_notices.erase_audit

    # Holds and disputes

    holds = of_disputes.holds
    release = of_disputes.release
    stop = of_disputes.stop
    resume = of_disputes.resume
    recompute = of_disputes.recompute
    superseded = of_disputes.superseded
    dispute = of_disputes.dispute
    disputes = of_disputes.disputes
    disputed = of_disputes.disputed
    resolve = of_disputes.resolve
    review = of_disputes.review
    escalate = of_disputes.escalate
    agreement = of_disputes.agreement

    # The report

    report = of_scores.report
