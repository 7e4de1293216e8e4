"""Every command that a service has a rule for takes --as, and stops where it refuses.

Refused to a reader: the rule is named, no file changes, the exit status is not 0. A
file of overrides that gives the rule to readers lets each of them through.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from kilonova.cli.bench_app import app
from moves_cloud import old_port
from story_site import LARGE, SMALL, StorySite

pytest.importorskip("oslo_policy", reason="oslo.policy is an extra of its own")

from oslo_policy.policy import Enforcer

READER = "role:reader,project:P"
# Nobody asks a service for these; `policy check` is about a caller by itself.
WITHOUT = {"replay", "bench", "vgpu plan", "policy list", "policy check"}
CANDIDATES = "placement:allocation_candidates:list"
API = "os_compute_api"
TREE = "placement:resource_providers"
MIGRATE, SHELVE = f"{API}:os-migrate-server:migrate", f"{API}:os-shelve"
PORTS, SERVERS = f"{API}:os-attach-interfaces", f"{API}:servers"
IMAGE = "6f2c6a3e-6f0a-4b5c-9f0e-2d6a3c1b7a90"
QUERY = ("CLOUD", "resources=VCPU:1")
HELD = ("CLOUD", "--records", "RECORDS", "--out", "OUT")
BOTH = (*HELD, "--records-out", "RECORDS_OUT")
PLAN = ("CLOUD", "--records", "RECORDS", "--plan", "PLAN")
PORT = json.dumps(old_port("port", 100))

# Command, what else is typed, the rule that refuses, the exit status.
Case = tuple[str, tuple[str, ...], str, int]
CASES: list[Case] = [
    ("candidates", QUERY, CANDIDATES, 2),
    ("explain", QUERY, CANDIDATES, 2),
    ("headroom", QUERY, CANDIDATES, 2),
    ("select", ("CLOUD", "--flavor", SMALL), f"{SERVERS}:create", 2),
    ("precache", ("CLOUD", "rack", IMAGE, "--out", "OUT"), "aggregates:images", 2),
    (
        "vgpu apply",
        ("CLOUD", "CONFIG", "DEVICES", "--node", "a", "--out", "OUT"),
        f"{TREE}:create",
        2,
    ),
    ("evacuate", (*PLAN, "--host", "a"), f"{API}:os-evacuate", 2),
    ("rescue plan", ("SERVER",), f"{API}:os-rescue", 1),
    ("audit", HELD, "context_is_admin", 127),
    ("audit", (*HELD, "--delete"), "context_is_admin", 127),
    ("heal", BOTH, "context_is_admin", 127),
    ("sync-aggregates", HELD, "context_is_admin", 127),
    ("server boot", ("new", "--flavor", SMALL), f"{SERVERS}:create", 1),
    ("server resize", ("web", "--flavor", LARGE), f"{SERVERS}:resize", 1),
    ("server confirm", ("web",), f"{SERVERS}:confirm_resize", 1),
    ("server revert", ("web",), f"{SERVERS}:revert_resize", 1),
    ("server migrate", ("web",), MIGRATE, 1),
    ("server live-migrate", ("web",), f"{MIGRATE}_live", 1),
    ("server evacuate", ("web",), f"{API}:os-evacuate", 1),
    ("server shelve", ("web",), f"{SHELVE}:shelve", 1),
    ("server shelve-offload", ("web",), f"{SHELVE}:shelve_offload", 1),
    ("server unshelve", ("web",), f"{SHELVE}:unshelve", 1),
    ("server rebuild", ("web",), f"{SERVERS}:rebuild", 1),
    ("server rescue", ("web",), f"{API}:os-rescue", 1),
    ("server unrescue", ("web",), f"{API}:os-unrescue", 1),
    ("server delete", ("web",), f"{SERVERS}:delete", 1),
    ("server attach", ("web", PORT), f"{PORTS}:create", 1),
    ("server detach", ("web", "port"), f"{PORTS}:delete", 1),
    ("server start-service", ("a",), f"{API}:os-services:update", 1),
    ("server stop-service", ("a",), f"{API}:os-services:update", 1),
    ("server list", ("--all-projects",), f"{SERVERS}:index:get_all_tenants", 1),
]

# What a command asks beside that rule.
ALSO = {
    "vgpu apply": [
        f"{TREE}:{each}" for each in ("delete", "inventories:update", "traits:update")
    ]
}


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> StorySite:
    """Lay out three hosts in a rack, with a server of project P on the first."""
    racks = [{"uuid": "r1", "name": "rack"}]
    made = StorySite(tmp_path, capsys, host_aggregates=racks)
    boot = ("boot", "web", "--flavor", SMALL, "--project", "P", "--host", "a")
    assert made.server(*boot) == 0
    disk = {"name": "root", "bus": "virtio", "dev": "vda"}
    (tmp_path / "server.json").write_text(json.dumps({"uuid": "web", "disks": [disk]}))
    (tmp_path / "nova.conf").write_text("")
    (tmp_path / "devices.json").write_text("[]")
    return made


def typed(site: StorySite, name: str, more: tuple[str, ...]) -> list[str]:
    """Give a command line with the paths of a site."""
    if name.startswith("server "):
        files = ("--records", "RECORDS", "--out", "OUT", "--records-out", "RECORDS_OUT")
        more = ("CLOUD", *more, *files)
    paths = {
        "CLOUD": site.path,
        "RECORDS": site.known,
        "OUT": site.folder / "out",
        "RECORDS_OUT": site.folder / "out.json",
        "PLAN": site.folder / "plan.parquet",
        "CONFIG": site.folder / "nova.conf",
        "DEVICES": site.folder / "devices.json",
        "SERVER": site.folder / "server.json",
    }
    return [*name.split(), *(str(paths.get(each, each)) for each in more)]


def texts(site: StorySite) -> dict[Path, bytes]:
    """Give what all files of a site hold, also those that are new."""
    return {p: p.read_bytes() for p in site.folder.rglob("*") if p.is_file()}


def label(case: Case) -> str:
    return " ".join([case[0], *(each for each in case[1] if each == "--delete")])


@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_reader_is_refused(site: StorySite, case: Case) -> None:
    name, more, rule, status = case
    before = texts(site)
    assert site.run(*typed(site, name, more), "--as", READER) == status
    out, err = site.printed()
    told = out + err
    assert f"{rule} needs " in told
    assert told.count("\n") == 1
    assert texts(site) == before


@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_file_of_overrides_lets_readers_through(site: StorySite, case: Case) -> None:
    name, more, rule, _ = case
    whole = rule if rule != "aggregates:images" else f"compute:{rule}"
    path = site.folder / "policy.yaml"
    rules = (whole, *ALSO.get(name, ()))
    path.write_text("".join(f'"{each}": "role:reader"\n' for each in rules))
    file = ("--policy-file", str(path))
    site.run(*typed(site, name, more), "--as", READER, *file)
    out, err = site.printed()
    assert "Policy does not allow" not in out + err


@pytest.mark.parametrize("case", CASES, ids=label)
def test_rules_are_chosen(site: StorySite, case: Case) -> None:
    name, more, _, status = case
    before = texts(site)
    asked = ("--as", READER, "--rules", "train")
    assert site.run(*typed(site, name, more), *asked) == (127 if status == 127 else 2)
    out, err = site.printed()
    assert (out, err) == (
        "",
        "kilonova: No rule set 'train'; known: ussuri, current.\n",
    )
    assert texts(site) == before


def commands(group: Any, before: str = "") -> Iterator[tuple[str, set[str]]]:
    """Give all commands by name, with their options."""
    for name, each in group.commands.items():
        whole = f"{before} {name}".strip()
        if hasattr(each, "commands"):
            yield from commands(each, whole)
        else:
            yield whole, {text for option in each.params for text in option.opts}


def test_all_commands_with_a_rule_take_the_caller() -> None:
    found = dict(commands(typer.main.get_command(app)))
    assert {name for name, *_ in CASES} == found.keys() - WITHOUT
    for name, options in found.items():
        takes = {"--as", "--rules", "--policy-file"} <= options
        assert takes == (name not in WITHOUT or name == "policy check"), name


def test_releases_of_placement_differ(site: StorySite) -> None:
    """Up to Ussuri no scope is looked at, and later administrators have a project."""
    asked = (*typed(site, "candidates", QUERY), "--as", "role:admin,scope:system")
    assert site.run(*asked, "--rules", "ussuri") == 0
    assert site.run(*asked) == 2
    assert "is for scope project, not system" in site.complained()
    for role in ("service", "admin"):
        assert site.run(*asked[:-1], f"role:{role},project:P") == 0
    service = ("--rules", "ussuri", "--as", "role:service,project:P")
    assert site.run(*typed(site, "candidates", QUERY), *service) == 2


def test_select_asks_what_booting_there_takes(site: StorySite) -> None:
    asked = ("select", str(site.path), "--flavor", SMALL, "--as")
    member = (*asked, "role:member,project:P")
    assert site.run(*member) == 0
    assert site.run(*member, "--availability-zone", "nova:b") == 2
    assert f"{SERVERS}:create:forced_host needs" in site.complained()
    path = site.folder / "policy.yaml"
    path.write_text(f'"{SERVERS}:create:attach_network": "role:manager"\n')
    ports = ("--port", PORT, "--policy-file", str(path))
    assert site.run(*member, *ports) == 2
    assert f"{SERVERS}:create:attach_network needs" in site.complained()
    assert site.run(*asked, "role:manager,project:P", *ports) == 0


def test_select_asks_what_a_server_without_disk_takes(site: StorySite) -> None:
    asked = ("select", str(site.path), "--flavor", "vcpus=1,ram=512", "--as")
    assert site.run(*asked, "role:member,project:P") == 2
    assert f"{SERVERS}:create:zero_disk_flavor needs" in site.complained()
    assert site.run(*asked, "role:admin,project:P") == 0


def test_booting_several_asks_each_rule_once(
    site: StorySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, enforce = list[str](), Enforcer.enforce

    def watch(self: Any, rule: str, *given: Any) -> bool:
        asked.append(rule)
        return bool(enforce(self, rule, *given))

    monkeypatch.setattr(Enforcer, "enforce", watch)
    boot = ("boot", "db", "--flavor", "vcpus=1,ram=512", "--count", "3")
    assert site.server(*boot, "--as", "role:admin,project:P") == 0
    names = [rule for rule in asked if rule != "context_is_admin"]
    assert names == [f"{SERVERS}:create", f"{SERVERS}:create:zero_disk_flavor"]


def test_evacuations_ask_about_each_owner(site: StorySite) -> None:
    boot = ("boot", "db", "--flavor", SMALL, "--project", "Q", "--host", "b")
    assert site.server(*boot) == 0
    path = site.folder / "policy.yaml"
    path.write_text(f'"{API}:os-evacuate": "project_id:%(project_id)s"\n')
    owner = ("--policy-file", str(path), "--as", "role:member,project:P")
    both = typed(site, "evacuate", (*PLAN, "--host", "a", "--host", "b"))
    plan = site.folder / "plan.parquet"
    assert site.run(*both, *owner) == 2
    assert f"{API}:os-evacuate needs" in site.complained()
    assert not plan.exists()
    assert site.run(*both) == 0
    before = texts(site)
    carry_out = typed(site, "evacuate", (*PLAN, "--apply"))
    assert site.run(*carry_out, *owner) == 2
    assert texts(site) == before
    own = typed(site, "evacuate", (*PLAN, "--host", "a"))
    assert site.run(*own, *owner) == 0
    assert site.run(*carry_out, *owner) == 0


def test_who_may_rescue(site: StorySite) -> None:
    asked = (*typed(site, "rescue plan", ("SERVER",)), "--json", "--as")
    member = "role:member,project:P"
    assert site.run(*asked, member) == 0
    assert site.run(*asked, member, "--project", "Q") == 1
    refused = site.told()["refused"]
    assert (refused["status"], refused["nova"]) == (403, "PolicyNotAuthorized")
    assert refused["rule"] == f"{API}:os-rescue"
    server = json.loads((site.folder / "server.json").read_text())
    (site.folder / "server.json").write_text(json.dumps(server | {"locked": True}))
    assert site.run(*asked, member) == 1
    assert site.told()["refused"]["nova"] == "InstanceIsLocked"
    assert site.run(*asked, "role:admin,project:P") == 0
    assert site.run(*asked, member, "--admin") == 2
    assert "leave --admin out" in site.complained()
