"""Nova's own audit finds and deletes the same, in the same order, with the same status.

Without Nova, which is an extra of its own, this is skipped.
"""

import os
import random
import re
from typing import Any
from unittest import mock

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

import audit_cases
from kilonova import Cloud
from kilonova.admin import audit as ours
from kilonova.cloud import claims
from kilonova.errors import Conflict
from kilonova.records.records import Records
from peers import nova_audit
from seeds import SEED

CASES = int(os.environ.get("NOVA_CASES") or 200)
# Where Nova says whom it found, and who could not be deleted.
FOUND = re.compile(r"consumer UUID (\S+) on Resource Provider (\S+?):? ")
FAULT = re.compile(r"Not able to delete allocations for consumer UUID (\S+)")


def ours_of(
    cloud: Cloud, records: Records, options: ours.AuditOptions, failing: frozenset[str]
) -> ours.AuditResult:
    """Run our audit with consumers of which nothing can be written."""

    def refusing(real: Any) -> Any:
        def call(state: Any, consumer: str, *given: Any) -> None:
            if consumer in failing:
                raise Conflict("refused")
            real(state, consumer, *given)

        return call

    with (
        mock.patch.object(claims, "claim", refusing(claims.claim)),
        mock.patch.object(claims, "release", refusing(claims.release)),
    ):
        return ours.audit(cloud, records, options)


def all_held(cloud: Cloud) -> dict[str, Any]:
    """Give what each consumer holds, and generations."""
    document = cloud.to_document()
    generations = {p["name"]: p.get("generation", 0) for p in document["providers"]}
    return {"generations": generations, "consumers": document.get("consumers")}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_same_as_nova() -> None:
    print(f"SEED={SEED}")
    codes: dict[int, int] = {}
    for number in range(CASES):
        draw = random.Random(SEED + number)
        document, recorded = audit_cases.case(draw, odd_names=False)
        names = [each["uuid"] for each in document["consumers"]]
        failing = frozenset(name for name in names if draw.random() < 0.08)
        provider = draw.choice((None, None, draw.choice(document["providers"])["uuid"]))
        delete = draw.random() < 0.6
        theirs = Cloud.from_document(document)
        code, lines = nova_audit.audit(
            nova_audit.Placement(theirs, failing),
            nova_audit.Databases(document, recorded),
            provider,
            delete,
        )
        mine = Cloud.from_document(document)
        result = ours_of(
            mine,
            Records.from_document(recorded),
            ours.AuditOptions(provider, delete),
            failing,
        )
        assert result.code == code, number
        found = [(o.consumer, o.provider) for o in result.orphans if not o.failure]
        assert found == [m.groups() for m in map(FOUND.search, lines) if m], number
        faults = [m.group(1) for m in map(FAULT.search, lines) if m]
        assert [orphan.consumer for orphan in result.failures] == faults, number
        bare = [line for line in lines if "can not be found" in line]
        assert len(result.without_compute_node) == len(bare), number
        assert all_held(mine) == all_held(theirs), number
        codes[code] = codes.get(code, 0) + 1
    assert codes.keys() == {0, 1, 3, 4}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_unknown_provider() -> None:
    document, recorded = audit_cases.case(random.Random(1), odd_names=False)
    placement = nova_audit.Placement(Cloud.from_document(document))
    databases = nova_audit.Databases(document, recorded)
    assert nova_audit.audit(placement, databases, "nobody", False)[0] == 127
