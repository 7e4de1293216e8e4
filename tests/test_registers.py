"""Filters and weighers of users' packages are found beside our own, by entry points."""

import sys
from importlib.metadata import EntryPoint
from typing import Any, NamedTuple

import pytest

from kilonova.errors import UnknownFilter
from kilonova.hosts import registers
from kilonova.hosts.filters import register as filters
from kilonova.hosts.registers import Register
from kilonova.hosts.weighers import register as weighers


class Thing(NamedTuple):
    """Something with a name."""

    name: str


ONE, TWO, MANY = Thing("One"), Thing("Two"), [Thing("Three"), Thing("Four")]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register[Thing]:
    """Make a register that finds the things of this module."""

    def installed(group: str) -> list[EntryPoint]:
        names = {"ours.things": ("ONE", "MANY")}.get(group, ())
        return [EntryPoint(name, f"{__name__}:{name}", group) for name in names]

    monkeypatch.setattr(registers, "entry_points", installed)
    monkeypatch.setitem(sys.modules, __name__, _Module)
    return Register("thing", (), "ours.things", UnknownFilter)


class _Module:
    """Stand for this module, which pytest does not import by its name."""

    ONE, MANY = ONE, MANY


def test_all_are_found(register: Register[Thing]) -> None:
    register.add(TWO)
    assert [thing.name for thing in register.all()] == ["Two", "One", "Three", "Four"]
    assert register.find("their.package.One") is ONE
    newer = register.add(Thing("One"))
    assert register.find("One") is newer


def test_unknown_names_are_shown_with_the_nearest(register: Register[Thing]) -> None:
    with pytest.raises(UnknownFilter) as raised:
        register.find("their.package.Thre")
    assert str(raised.value) == (
        "Unknown thing 'their.package.Thre'. Did you mean 'Three'? "
        "Known: One, Three, Four."
    )


@pytest.mark.parametrize("module", [filters, weighers])
def test_ours_are_described(module: Any) -> None:
    """Each says what it reads, and the names are those of attributes of a host."""
    from kilonova.cloud.host import Host

    names = set(Host.__dataclass_fields__)
    for each in module.registered():
        assert each.reads <= names, each.name
        assert module.find(each.name) is each
