"""The dictionaries of hosts as one JSON object, for the folder of a cloud."""

from typing import Any

from kilonova.cloud.host import HostAggregate
from kilonova.cloud.host_use import use_of
from kilonova.cloud.host_values import Facts, Pools, cell_document, cells_of
from kilonova.cloud.server_groups import Group
from kilonova.cloud.state import State


def host_facts(state: State) -> dict[str, Any]:
    """Give all that the host table's numbers mean."""
    hosts = state.hosts
    return {
        "services": hosts.services.slots(),
        "cells": hosts.cells.slots(),
        "facts": [hosts.facts[i].text for i in range(len(hosts.facts))],
        "numa": [
            [cell_document(cell) for cell in hosts.numa[i]]
            for i in range(len(hosts.numa))
        ],
        "pci": [hosts.pci[i].text for i in range(len(hosts.pci))],
        "aggregates": [[a.uuid, a.name, dict(a.metadata)] for a in hosts.aggregates],
        "aggregate_sets": [
            sorted(hosts.aggregate_sets[i]) for i in range(len(hosts.aggregate_sets))
        ],
        "groups": [
            [group.uuid, group.policy, group.max_server_per_host]
            for group in state.groups
        ],
        "own": {str(row): own for row, own in hosts.own.items()},
        "uses": {str(row): use.document() for row, use in hosts.uses.items()},
    }


def load_host_facts(state: State, given: dict[str, Any]) -> None:
    """Take what ``host_facts`` gave."""
    hosts = state.hosts
    hosts.services.load(given["services"])
    hosts.cells.load(given["cells"])
    for text in given["facts"]:
        hosts.facts.number(Facts(text))
    for cells in given["numa"]:
        hosts.numa.number(cells_of("numa", cells))
    for text in given["pci"]:
        hosts.pci.number(Pools(text))
    hosts.aggregates = [HostAggregate(*each) for each in given["aggregates"]]
    for members in given["aggregate_sets"]:
        hosts.aggregate_sets.number(members)
    for each in given["groups"]:
        state.groups.add(Group(*each))
    hosts.own = {int(row): own for row, own in given["own"].items()}
    hosts.uses = {int(row): use_of("uses", u) for row, u in given["uses"].items()}
    hosts.changed()
