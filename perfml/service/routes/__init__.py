"""The addresses under /v1, one module for each subject. Each only translates: the function it calls gives the answer."""

from __future__ import annotations

from fastapi import APIRouter

from perfml.service.routes import advice, disputes, exports, holds, lists, models, people, personal

SUBJECTS = (models, lists, advice, holds, disputes, exports, personal, people)
"""``people`` is the last: ids may hold slashes, so its ``/employees/{employee_id}`` takes whatever no other address took."""

router = APIRouter()
for subject in SUBJECTS:
    router.include_router(subject.router)
