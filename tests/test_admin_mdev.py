"""Mediated devices: options and devices of a host become child providers.

Limits first, then the recorded answers of Nova's libvirt driver to random options and
devices, then what becomes of a cloud, at last input that cannot be right.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from kilonova import Cloud
from kilonova.admin.mdev import MdevPlan, plan_mdevs
from kilonova.admin.mdev_apply import MdevChanges, apply_mdevs
from kilonova.admin.mdev_devices import devices, is_pci_address
from kilonova.admin.mdev_options import mdev_options
from kilonova.cli import main
from kilonova.errors import BadInput, BadMdevConfig, BadOption, Conflict, InUse
from mdev_answers import ours
from mdev_cases import case
from recorded_answers import compare

ONE = "0000:84:00.0"
TWO = "0000:85:00.0"
NAME = "host1_pci_0000_84_00_0"
TWO_TYPES = f"""
[devices]
enabled_mdev_types = a, b
[mdev_a]
device_addresses = {ONE}
[mdev_b]
device_addresses = {TWO}
"""


def plan(config: str, *given: dict[str, Any], release: str = "current") -> MdevPlan:
    found = mdev_options(config)
    return plan_mdevs(found, devices(list(given)), "host1", release)


def device(address: str, existing: int = 0, available: int = 4) -> dict[str, Any]:
    types = {name: {"existing": existing, "available": available} for name in "ab"}
    return {"address": address, "types": types}


def totals(found: MdevPlan) -> dict[str, tuple[str, str, int]]:
    return {
        provider.address: (provider.mdev_type, provider.resource_class, provider.total)
        for provider in found.providers
    }


def test_two_types() -> None:
    found = plan(TWO_TYPES, device(ONE, 1, 3), device(TWO, 0, 2))
    assert totals(found) == {ONE: ("a", "VGPU", 4), TWO: ("b", "VGPU", 2)}
    assert found.providers[0].name == NAME
    assert found.providers[0].traits == ("OWNER_NOVA",)
    inventory = found.providers[0].inventories["VGPU"]
    assert (inventory.total, inventory.max_unit) == (4, 4)
    assert not found.warnings


@pytest.mark.parametrize("section", ["mdev_b", "vgpu_b", "MDEV_B"])
@pytest.mark.parametrize("option", ["enabled_mdev_types", "enabled_vgpu_types"])
def test_both_generations_of_names(section: str, option: str) -> None:
    config = TWO_TYPES.replace("mdev_b", section)
    config = config.replace("enabled_mdev_types", option)
    assert set(totals(plan(config, device(ONE), device(TWO)))) == {ONE, TWO}


def test_new_names_come_first() -> None:
    config = (
        "[devices]\nenabled_vgpu_types = b\nenabled_mdev_types = a\n"
        f"[vgpu_a]\ndevice_addresses = {TWO}\n[mdev_a]\ndevice_addresses = {ONE}\n"
    )
    assert totals(plan(config, device(ONE), device(TWO))) == {ONE: ("a", "VGPU", 4)}


@pytest.mark.parametrize(
    ("most", "kept"),
    [
        pytest.param(8, {ONE: 4, TWO: 4}, id="all of it"),
        pytest.param(7, {ONE: 4}, id="one too many"),
        pytest.param(5, {TWO: 4}, id="the first passes it, the second does not"),
        pytest.param(4, {}, id="neither"),
    ],
)
def test_max_instances(most: int, kept: dict[str, int]) -> None:
    config = f"[devices]\nenabled_mdev_types=a\n[mdev_a]\nmax_instances={most}\n"
    # What exists, one and two, counts before what either could have more.
    found = plan(config, device(ONE, 1, 3), device(TWO, 2, 2))
    assert {address: total for address, (_, _, total) in totals(found).items()} == kept
    assert len(found.withdrawn) == 2 - len(kept)


def test_type_without_addresses_takes_the_rest() -> None:
    config = f"[devices]\nenabled_mdev_types=a,b\n[mdev_b]\ndevice_addresses={TWO}\n"
    found = plan(config, device(ONE), device(TWO))
    assert totals(found) == {ONE: ("a", "VGPU", 4), TWO: ("b", "VGPU", 4)}


def test_second_type_without_addresses_is_left_out() -> None:
    found = plan("[devices]\nenabled_mdev_types=a,b\n", device(ONE), device(TWO))
    assert {mdev_type for mdev_type, _, _ in totals(found).values()} == {"a"}
    (warning,) = found.warnings
    assert "'b' has no device_addresses and is left out" in warning


def test_ussuri_then_had_the_first_type_alone() -> None:
    config = f"[devices]\nenabled_vgpu_types=a,b\n[vgpu_b]\ndevice_addresses={TWO}\n"
    found = plan(config, device(ONE), device(TWO), release="ussuri")
    assert {mdev_type for mdev_type, _, _ in totals(found).values()} == {"a"}
    assert "all devices have the first type, 'a'" in found.warnings[0]
    assert found.providers[0].traits == ()


def test_custom_class() -> None:
    config = TWO_TYPES + "mdev_class = CUSTOM_NIC\n"
    found = totals(plan(config, device(ONE), device(TWO)))
    assert found[TWO] == ("b", "CUSTOM_NIC", 4)
    config = "[devices]\nenabled_mdev_types=a\n[mdev_a]\nmdev_class=CUSTOM_NIC\n"
    unnamed = plan(config, device(ONE))
    assert totals(unnamed)[ONE] == ("a", "VGPU", 4)
    assert "mdev_class has no effect" in unnamed.warnings[0]


@pytest.mark.parametrize(
    ("release", "nova", "what"),
    [
        ("current", "InvalidLibvirtMdevConfig", "mdev-capable devices"),
        ("ussuri", "InvalidLibvirtGPUConfig", "GPU devices"),
    ],
)
def test_duplicate_address(release: str, nova: str, what: str) -> None:
    with pytest.raises(BadMdevConfig) as refused:
        plan(TWO_TYPES.replace(TWO, ONE), device(ONE), release=release)
    assert str(refused.value) == (
        f"Invalid configuration for {what}: duplicate types for PCI ID {ONE}"
    )
    assert refused.value.nova == nova


@pytest.mark.parametrize("address", ["84:00.0", "0000:84:00.8", "0000:84:00.01", "x"])
def test_malformed_address(address: str) -> None:
    assert not is_pci_address(address)
    with pytest.raises(BadMdevConfig) as refused:
        plan(TWO_TYPES.replace(TWO, address), device(ONE))
    assert str(refused.value) == (
        "Invalid configuration for mdev-capable devices: "
        f"incorrect device address: {address}"
    )


def test_sections_without_effect_are_told() -> None:
    config = TWO_TYPES.replace("mdev_b", "vgpu_b") + "max_instances = 1\nsize = 1\n"
    found = plan(config + "[mdev_c]\n", device(ONE))
    assert found.warnings == (
        "[vgpu_b] size has no effect; known: device_addresses, mdev_class, "
        "max_instances.",
        "[vgpu_b] max_instances has no effect: it goes to [mdev_b].",
        "[mdev_c] has no effect: enabled_mdev_types has no 'c'.",
        f"[mdev_b] device_addresses: the host has no device {TWO}.",
    )


def test_same_as_nova_recorded() -> None:
    answers = compare("nova_mdev.jsonl.gz", case, ours)
    assert len(answers) >= 300
    assert sum("error" in each for each in answers) >= 10


def cloud() -> Cloud:
    return Cloud.from_document(
        {"providers": [{"name": "host1", "inventories": {"VCPU": {"total": 8}}}]}
    )


def test_apply_adds_updates_and_removes() -> None:
    made = cloud()
    first = plan(TWO_TYPES, device(ONE), device(TWO))
    names = tuple(provider.name for provider in first.providers)
    assert apply_mdevs(made, first) == MdevChanges(added=names)
    assert apply_mdevs(made, first) == MdevChanges()
    found = made.allocation_candidates("resources=VCPU:1,VGPU:4")
    assert len(found.to_placement()["allocation_requests"]) == 2
    smaller = plan(TWO_TYPES, device(ONE, 0, 0), device(TWO, 1, 1))
    assert apply_mdevs(made, smaller) == MdevChanges((), names[1:], names[:1])
    assert made.inventories(names[1])["VGPU"].total == 2
    gone = plan("", device(ONE))
    assert apply_mdevs(made, gone) == MdevChanges()
    assert apply_mdevs(made, gone, remove_absent=True) == MdevChanges(removed=names[1:])


def test_a_provider_with_allocations_stays() -> None:
    made = cloud()
    both = plan(TWO_TYPES, device(ONE), device(TWO))
    apply_mdevs(made, both)
    made.claim("server", {both.providers[1].name: {"VGPU": 1}})
    before = made.to_document()
    # The first could go, and is not touched either.
    for config, given in (
        (TWO_TYPES, [device(ONE, 0, 0), device(TWO, 0, 0)]),
        (TWO_TYPES + "mdev_class=CUSTOM_NIC\n", [device(ONE, 0, 0), device(TWO)]),
    ):
        with pytest.raises(InUse, match=r"0000_85_00_0'.*has allocations of"):
            apply_mdevs(made, plan(config, *given))
        assert made.to_document() == before
    with pytest.raises(InUse):
        apply_mdevs(made, plan(""), remove_absent=True)
    assert made.to_document() == before


def test_a_root_that_offers_vgpu_itself() -> None:
    made = cloud()
    made.set_inventory("host1", "VGPU", {"total": 2})
    with pytest.raises(Conflict, match="ReshapeNeeded"):
        apply_mdevs(made, plan(TWO_TYPES, device(ONE)))
    made = cloud()
    made.add_provider("host0")
    made.set_parent("host1", "host0")
    with pytest.raises(Conflict, match="must be the root"):
        apply_mdevs(made, plan(TWO_TYPES, device(ONE)))


def test_random_plans_one_after_the_other() -> None:
    """A cloud has after each plan what it says, whatever was there before."""
    made, draw = cloud(), random.Random(7)
    for seed in range(150):
        given = case(draw.randrange(10**6) + seed)
        try:
            found = plan(given["config"], *given["devices"])
        except BadMdevConfig:
            continue
        apply_mdevs(made, found, remove_absent=True)
        for provider in found.providers:
            assert made.inventories(provider.name) == provider.inventories
        names = {each["name"] for each in made.to_document()["providers"]}
        assert not names & set(found.withdrawn)
        there = {name for name in names if "_pci_" in name}
        assert there == {p.name for p in found.providers if "_pci_" in p.name}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[mdev_a]\nmdev_class = NIC", "mdev_class must be VGPU or begin with CUSTOM_"),
        ("[mdev_a]\nmax_instances = 0", "must be a whole number from 1, got '0'"),
        ("[mdev_a]\nmax_instances = x", "must be a whole number from 1, got 'x'"),
        ("nonsense", "the line must be like"),
    ],
)
def test_options_that_cannot_be(config: str, message: str) -> None:
    with pytest.raises(BadOption, match=message):
        plan("[devices]\nenabled_mdev_types = a\n" + config)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "must be a list of devices"),
        ([1], "must be an object with address, types"),
        ([{"address": 1}], "address must be a text"),
        ([{"address": ONE}, {"address": ONE}], "is there already"),
        ([{"address": ONE, "types": []}], "types must be an object"),
        ([{"address": ONE, "types": {"a": 1}}], "with existing, available"),
        ([{"address": ONE, "types": {"a": {"existing": -1}}}], "from 0, got -1"),
        ([{"address": ONE, "types": {"a": {"existing": True}}}], "from 0, got True"),
    ],
)
def test_devices_that_cannot_be(given: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        devices(given)


def test_release_that_cannot_be() -> None:
    with pytest.raises(BadInput, match="release must be one of"):
        plan(TWO_TYPES, release="train")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, host = tmp_path / "nova.conf", tmp_path / "devices.json"
    config.write_text(TWO_TYPES)
    host.write_text(json.dumps([device(ONE), device(TWO, 0, 0)]))
    command = ["vgpu", "plan", str(config), str(host), "--node", "host1"]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--json"])
    assert not stop.value.code
    found = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in found["providers"]] == [NAME]
    assert found["withdrawn"] == ["host1_pci_0000_85_00_0"]
    with pytest.raises(SystemExit):
        main(command)
    assert f"Removed: {found['withdrawn'][0]}" in capsys.readouterr().out
    config.write_text(TWO_TYPES.replace(TWO, ONE))
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        "kilonova: Invalid configuration for mdev-capable devices: duplicate types "
        f"for PCI ID {ONE}\n"
    )
