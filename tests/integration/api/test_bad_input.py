"""Whatever is sent: a 4xx that names the field, nothing appended, never a 5xx."""

from __future__ import annotations

import pytest

from tests.support.api.audit_cases import AUDIT
from tests.support.api.cases import ALL, Case
from tests.support.api.lifecycle_cases import LIFECYCLE
from tests.support.api.service import Api, assert_problem


@pytest.mark.parametrize("case", [*ALL, *AUDIT, *LIFECYCLE], ids=lambda case: case.name)
async def test_bad_input_is_refused_by_field_and_appends_nothing(
    shared_api: Api, keys: dict[str, str], case: Case
) -> None:
    before = await shared_api.head()
    path = case.path.format(**keys)
    answer = await shared_api.call(case.method, path, by=case.token, **case.request())
    assert_problem(answer, case.status, case.field)
    assert await shared_api.head() == before
    if case.status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_wrong_method_is_told_every_right_one(shared_api: Api, keys: dict[str, str]) -> None:
    for path, allowed in (("", "GET, POST"), (f"/{keys['active']}", "DELETE, GET, PATCH")):
        answer = await shared_api.call("PUT", f"/admin/api-keys{path}")
        assert_problem(answer, 405)
        assert answer.headers["allow"] == allowed


def test_every_case_has_a_name_of_its_own() -> None:
    cases = [*ALL, *AUDIT, *LIFECYCLE]
    assert len({case.name for case in cases}) == len(cases)
