"""Audits: who belongs where, what is deleted, and what each exit status means.

Named cases first; then random clouds with moves under way and with leftovers, compared
with a plain search over the documents; deletion and what stands in its way at last.
"""

import os
import random
from typing import Any
from uuid import UUID

import pytest

import audit_cases
from kilonova import Cloud, Inventory
from kilonova.admin.audit import AuditOptions, AuditResult, audit
from kilonova.errors import UnknownProvider
from kilonova.records.records import Records
from oracle import audit as oracle
from seeds import SEED

CASES = int(os.environ.get("AUDIT_CASES") or 300)
SERVER, OTHER = str(UUID(int=1)), str(UUID(int=2))
FLAVOR = {"vcpus": 1, "memory_mb": 1}


def small_cloud(held: dict[str, dict[str, int]], uuid: str = SERVER) -> Cloud:
    """Make two hosts with a child each, and a pool of disks.

    ::

        h1 (VCPU, PCI_DEVICE)      h2 (VCPU)      pool (DISK_GB)
        `-- h1_numa (PCPU)         `-- h2_numa (PCPU)
    """
    offers: dict[str, dict[str, Any]] = {
        "h1": {"VCPU": {"total": 8}, "PCI_DEVICE": {"total": 8}},
        "h1_numa": {"PCPU": {"total": 8}},
        "h2": {"VCPU": {"total": 8}},
        "h2_numa": {"PCPU": {"total": 8}},
        "pool": {"DISK_GB": {"total": 8}},
    }
    providers = [{"name": name, "inventories": each} for name, each in offers.items()]
    for provider in providers:
        if str(provider["name"]).endswith("_numa"):
            provider["parent"] = str(provider["name"]).removesuffix("_numa")
    return Cloud.from_document(
        {
            "providers": providers,
            "hosts": [{"host": "h1", "cell_uuid": "c1"}, {"host": "h2"}],
            "consumers": [{"uuid": uuid, "allocations": held}],
        }
    )


def server(**more: Any) -> Records:
    """Make records of one server."""
    made = {"uuid": SERVER, "flavor": FLAVOR, **more}
    return Records.from_document({"format": "kilonova-records/1", "servers": [made]})


def migration(**more: Any) -> Records:
    """Make records of one migration from h1 to h2, whose UUID is the consumer's."""
    made = {"uuid": SERVER, "server": OTHER, "kind": "migration", "source_host": "h1"}
    made |= {"dest_host": "h2", **more}
    return Records.from_document({"format": "kilonova-records/1", "migrations": [made]})


def lost(result: AuditResult) -> list[tuple[str, dict[str, int]]]:
    """Give provider and resources of each orphan."""
    return [(each.provider, dict(each.resources)) for each in result.orphans]


@pytest.mark.parametrize(
    ("records", "code"),
    [
        pytest.param(server(host="h1"), 0, id="there"),
        pytest.param(server(host="h2"), 3, id="on the other host"),
        pytest.param(server(host="h1", node="h2"), 3, id="on another node"),
        pytest.param(server(host="h1", node=None), 3, id="on no node"),
        pytest.param(server(), 3, id="on no host"),
        pytest.param(server(host="h1", cell="c1"), 0, id="in the cell"),
        pytest.param(server(host="h1", cell="c2"), 3, id="in another cell"),
        pytest.param(server(host="h1", vm_state="deleted"), 3, id="deleted"),
        pytest.param(server(host="h1", vm_state="soft-delete"), 0, id="soft-deleted"),
        pytest.param(server(host="h1", hidden=True), 0, id="hidden"),
        pytest.param(migration(), 0, id="migration from here"),
        pytest.param(migration(source_host="h2"), 3, id="migration elsewhere"),
        pytest.param(
            migration(source_host="h2", dest_host="h1"), 0, id="migration to here"
        ),
        pytest.param(migration(status="finished"), 0, id="migration not confirmed"),
        pytest.param(migration(status="confirmed"), 3, id="migration confirmed"),
        pytest.param(migration(source_node="h2"), 3, id="migration of another node"),
        pytest.param(Records(), 3, id="nobody"),
    ],
)
@pytest.mark.parametrize("held", ["h1", "h1_numa"])
def test_who_belongs_at_h1(records: Records, code: int, held: str) -> None:
    resource = {"h1": "VCPU", "h1_numa": "PCPU"}[held]
    result = audit(small_cloud({held: {resource: 2}}), records)
    assert result.code == code
    assert lost(result) == ([(held, {resource: 2})] if code else [])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(AuditOptions(), [], id="as Nova"),
        pytest.param(
            AuditOptions(all_classes=True), [("h1", {"PCI_DEVICE": 1})], id="all"
        ),
    ],
)
def test_classes(
    options: AuditOptions, expected: list[tuple[str, dict[str, int]]]
) -> None:
    made = small_cloud({"h1": {"PCI_DEVICE": 1}})
    assert lost(audit(made, Records(), options)) == expected


def test_a_class_that_counts_brings_the_others_along() -> None:
    made = small_cloud({"h1": {"PCI_DEVICE": 1, "VCPU": 2}})
    assert lost(audit(made, Records())) == [("h1", {"VCPU": 2, "PCI_DEVICE": 1})]


def test_sharing_providers_have_no_compute_node() -> None:
    made = small_cloud({"h1": {"VCPU": 1}, "pool": {"DISK_GB": 4}})
    result = audit(made, server(host="h1"))
    assert lost(result) == [("pool", {"DISK_GB": 4})]
    assert result.without_compute_node == ("pool",)
    ours = audit(made, server(host="h1"), AuditOptions(hosts_only=True))
    assert (ours.code, ours.without_compute_node) == (0, ())


def test_one_provider() -> None:
    made = small_cloud({"h1": {"VCPU": 1}, "h2": {"VCPU": 2}})
    result = audit(made, Records(), AuditOptions(provider="h2"))
    assert lost(result) == [("h2", {"VCPU": 2})]
    with pytest.raises(UnknownProvider, match="'h3' among the 5"):
        audit(made, Records(), AuditOptions(provider="h3"))


def test_consumers_without_uuid_are_left_alone() -> None:
    made = small_cloud({"h1": {"VCPU": 1}}, uuid="")
    result = audit(made, Records(), AuditOptions(delete=True))
    assert (result.code, result.unnamed) == (0, 1)
    assert made.usages("h1")["VCPU"] == 1


LOWER = "0a3f6a0e-54f9-4a0c-8f0a-8d3f2b8f5a01"


@pytest.mark.parametrize(
    ("consumer", "recorded", "code"),
    [
        pytest.param(LOWER, LOWER, 0, id="the same"),
        pytest.param(LOWER, LOWER.upper(), 3, id="not in the same letters"),
        pytest.param(LOWER.upper(), LOWER.upper(), 0, id="capitals"),
        pytest.param(LOWER, LOWER.replace("-", ":"), 3, id="no dashes"),
        pytest.param(LOWER, LOWER.replace("-", "0"), 3, id="digits for dashes"),
        pytest.param(LOWER, "\u00e4" + LOWER[1:], 3, id="no digit"),
        pytest.param("f" + LOWER[1:], "g" + LOWER[1:], 3, id="a letter too far"),
        pytest.param("vm-1", "vm-1", 0, id="no UUID"),
        pytest.param("vm-1", "vm-2", 3, id="another"),
    ],
)
def test_names(consumer: str, recorded: str, code: int) -> None:
    made = small_cloud({"h1": {"VCPU": 1}}, consumer)
    known = server(uuid=recorded, host="h1").to_document()
    known["servers"].append({"uuid": OTHER, "flavor": FLAVOR, "host": "h2"})
    assert audit(made, Records.from_document(known)).code == code


def test_clouds_without_hosts_have_one_for_each_tree_with_cpus() -> None:
    document = small_cloud({"h1": {"VCPU": 1}, "h2": {"VCPU": 1}}).to_document()
    del document["hosts"]
    result = audit(Cloud.from_document(document), server(host="h1"))
    assert lost(result) == [("h2", {"VCPU": 1})]
    assert result.without_compute_node == ("pool",)


def test_deletion_keeps_what_is_elsewhere() -> None:
    made = small_cloud({"h1": {"VCPU": 1}, "h2": {"VCPU": 2}})
    result = audit(made, server(host="h2"), AuditOptions(delete=True))
    assert (result.code, lost(result)) == (4, [("h1", {"VCPU": 1})])
    assert made.allocations(SERVER) == {"h2": {"VCPU": 2}}
    assert made.usages("h1")["VCPU"] == 0
    # What is kept is written anew, which its provider's generation shows.
    assert (made.generation("h1"), made.generation("h2")) == (0, 1)
    assert audit(made, server(host="h2")).code == 0


def test_deletion_of_all_leaves_generations_alone() -> None:
    made = small_cloud({"h1": {"VCPU": 1}})
    assert audit(made, Records(), AuditOptions(delete=True)).code == 4
    assert made.allocations(SERVER) == {}
    assert made.generation("h1") == 0


def test_a_failure_ends_the_run_after_its_provider() -> None:
    document = small_cloud({"h1": {"VCPU": 2}, "h2": {"VCPU": 2}}).to_document()
    document["consumers"] += [
        {"uuid": OTHER, "allocations": {"h1": {"VCPU": 1}}},
        {"uuid": str(UUID(int=3)), "allocations": {"h1_numa": {"PCPU": 1}}},
    ]
    made = Cloud.from_document(document)
    # What the server keeps at h2 is now more than h2 gives to anyone.
    made.set_inventory("h2", "VCPU", Inventory(total=8, max_unit=1))
    result = audit(made, server(host="h2"), AuditOptions(delete=True))
    assert result.code == 1
    assert [(each.consumer, each.failure is None) for each in result.orphans] == [
        (SERVER, False),
        (OTHER, True),
    ]
    assert "max_unit is 1" in str(result.failures[0].failure)
    assert made.usages("h1") == {"VCPU": 2, "PCI_DEVICE": 0}
    assert made.usages("h1_numa") == {"PCPU": 1}


def options_of(draw: random.Random, document: dict[str, Any]) -> AuditOptions:
    provider = draw.choice(document["providers"])["uuid"]
    return AuditOptions(
        provider=draw.choice((None, None, provider)),
        all_classes=draw.random() < 0.3,
        hosts_only=draw.random() < 0.3,
    )


def test_same_as_oracle() -> None:
    print(f"SEED={SEED}")
    codes = {0: 0, 3: 0}
    for number in range(CASES):
        draw = random.Random(SEED + number)
        document, recorded = audit_cases.case(draw)
        asked = options_of(draw, document)
        expected = oracle.orphans(
            document,
            recorded,
            only=asked.provider,
            all_classes=asked.all_classes,
            hosts_only=asked.hosts_only,
        )
        made, records = Cloud.from_document(document), Records.from_document(recorded)
        result = audit(made, records, asked)
        found = [(o.provider, o.consumer, dict(o.resources)) for o in result.orphans]
        assert found == expected, number
        codes[result.code] += 1

        asked = AuditOptions(asked.provider, True, asked.all_classes, asked.hosts_only)
        deleted = audit(made, records, asked)
        assert deleted.code == (4 if expected else 0)
        assert list(deleted.orphans) == list(result.orphans)
        after = oracle.left(document, expected)
        assert {name: made.allocations(name) for name in after} == after
        assert audit(made, records, asked).code == 0
    assert min(codes.values()) > CASES // 20
