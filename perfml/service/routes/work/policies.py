"""Changes for many: what the model predicts, and what is known of their effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from perfml.access.actions import Action
from perfml.access.relations import GroupSubject
from perfml.service.access.admission import Admission
from perfml.service.answers.work.policies import MaySee, PoliciesAnswer, PoliciesQuery, policies
from perfml.service.problems import Invalid, NotFound, OverBudget, Unreadable, refusals
from perfml.service.routes.shared import AppStore, OfGroups, subject_router

router = subject_router("lists")


@dataclass(frozen=True, kw_only=True)
class TrendsShown:
    """Whether whoever asks may read trends of a department, or of the whole company. Compares by the request, so that two ways to
    the same arguments are the same."""

    request: Request

    def __call__(self, department: str | None) -> bool:
        """Of one department; of the whole company for None."""
        admission: Admission = self.request.app.state.admission
        units = frozenset[str]() if department is None else frozenset({f"department:{department}"})
        return admission.may(self.request, Action.READ_TRENDS, GroupSubject(units=units))


async def trends_shown(request: Request) -> MaySee:
    """What answers for ``request``."""
    return TrendsShown(request=request)


@router.get(
    "/what-if/policies",
    summary="What a change for many would do, and what it did",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_policies(
    query: Annotated[PoliciesQuery, Query()], store: AppStore, may_see: Annotated[MaySee, Depends(trends_shown)]
) -> PoliciesAnswer:
    """What `perfml what-if --policy` computed last: expected numbers with and without it, by department, a prediction; beside it
    effects, where chance or a staggered start allows them. Departments of few people are withheld; whoever sees a part of the
    company sees the departments of their units."""
    return policies(store, query, may_see=may_see)
