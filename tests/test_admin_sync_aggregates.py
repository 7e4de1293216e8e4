"""Mirroring of host aggregates: what is added, and each exit status."""

from collections.abc import Callable
from typing import Any

import pytest

from kilonova import Cloud, Conflict
from kilonova.admin.sync_aggregates import SyncResult, sync_aggregates
from kilonova.errors import UnknownAggregate
from kilonova.records.records import Records


def cloud(*hosts: dict[str, Any]) -> Cloud:
    """Make hosts, all but one of them in aggregate `a1`, and the first in `a2`."""
    names = [host.get("nodename", host["host"]) for host in hosts]
    return Cloud.from_document(
        {
            "providers": [{"name": name, "aggregates": ["x"]} for name in names],
            "host_aggregates": [{"uuid": "a1", "name": "rack"}, {"uuid": "a2"}],
            "hosts": [{"aggregates": ["a1"], "cell_uuid": "c1", **h} for h in hosts],
        }
    )


def aggregates(made: Cloud) -> dict[str, list[str]]:
    providers = made.to_document()["providers"]
    return {each["name"]: each["aggregates"] for each in providers}


def refusing(host: str) -> Callable[[str], None]:
    def hook(name: str) -> None:
        if name == host:
            raise Conflict("No.")

    return hook


def test_providers_are_added_and_none_is_taken_away() -> None:
    made = cloud({"host": "h1", "aggregates": ["a1", "a2"]}, {"host": "h2"})
    lines: list[str] = []
    result = sync_aggregates(made, tell=lines.append)
    assert result.code == 0
    assert result.added == [("h1", "a1"), ("h2", "a1"), ("h1", "a2")]
    assert aggregates(made) == {"h1": ["a1", "a2", "x"], "h2": ["a1", "x"]}
    assert [made.generation(name) for name in ("h1", "h2")] == [2, 1]
    assert lines[0] == "Aggregate rack:"
    assert len(lines) == 5


def test_what_is_there_is_not_written() -> None:
    made = cloud({"host": "h1"})
    sync_aggregates(made)
    again = sync_aggregates(made)
    assert (again.code, again.added, made.generation("h1")) == (0, [], 1)


TWO_NODES = ({"host": "h1", "nodename": "n1"}, {"host": "h1", "nodename": "n2"})


def mapped(*hosts: str) -> Records:
    """Make records of mapped services, of which `h9` is in the first aggregate."""
    return Records(
        host_mappings=dict.fromkeys(hosts, "c1"), aggregate_hosts={"a1": ("h9",)}
    )


@pytest.mark.parametrize(
    ("made", "records", "code", "line"),
    [
        pytest.param(cloud(*TWO_NODES), None, 1, "has 2 compute nodes", id="two nodes"),
        pytest.param(
            cloud({"host": "h1"}),
            Records(aggregate_hosts={"a1": ("h9",)}),
            4,
            "mapped to no cell: h9.",
            id="unknown host",
        ),
        pytest.param(
            cloud({"host": "h1"}), mapped("h9"), 5, "mapped to no cell: h1.", id="both"
        ),
        pytest.param(
            cloud({"host": "h1"}),
            mapped("h1", "h9"),
            5,
            "have no compute node: h9.",
            id="no node",
        ),
        pytest.param(
            cloud({"host": "h1", "cell_uuid": "c2"}),
            mapped("h1"),
            5,
            "have no compute node: h1.",
            id="node of another cell",
        ),
    ],
)
def test_codes(made: Cloud, records: Records | None, code: int, line: str) -> None:
    result = sync_aggregates(made, records)
    assert result.code == code
    assert line in " ".join(result.lines())


def test_a_host_whose_provider_is_gone() -> None:
    made = cloud({"host": "h1"}, {"host": "h2"})
    made.remove_provider("h1")
    result = sync_aggregates(made)
    assert (result.code, result.without_provider) == (6, {"h1"})
    assert aggregates(made) == {"h2": ["a1", "x"]}


@pytest.mark.parametrize(
    ("hooks", "code"),
    [
        pytest.param({"read": refusing("h2")}, 2, id="not read"),
        pytest.param({"update": refusing("h2")}, 3, id="not updated"),
    ],
)
def test_failures_of_placement_end_it(hooks: Any, code: int) -> None:
    made = cloud({"host": "h1"}, {"host": "h2"}, {"host": "h3"})
    result: SyncResult = sync_aggregates(made, **hooks)
    assert result.code == code
    assert "provider of host 'h2'" in result.message
    assert result.added == [("h1", "a1")]
    assert aggregates(made)["h3"] == ["x"]


def test_an_aggregate_that_is_not_there() -> None:
    made = cloud({"host": "h1"})
    with pytest.raises(UnknownAggregate, match="'a9'"):
        sync_aggregates(made, Records(aggregate_hosts={"a9": ("h1",)}))
    assert aggregates(made) == {"h1": ["x"]}
