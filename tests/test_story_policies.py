"""Who may do what with servers: owners, managers, administrators, and nobody else.

What is refused says which rule refuses, ends with status 1, and changes no file.
"""

from pathlib import Path

import pytest

from story_site import LARGE, SMALL, StorySite

ADMIN, MANAGER = "role:admin,project:ops", "role:manager,project:P"
MEMBER, READER = "role:member,project:P", "role:reader,project:P"
STRANGER = "role:member,project:Q"


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> StorySite:
    """Lay out three hosts and a server that a member of project P booted."""
    made = StorySite(tmp_path, capsys)
    assert made.server("boot", "web", "--flavor", SMALL, "--as", MEMBER) == 0
    made.shown()
    return made


def refused(site: StorySite, rule: str, *command: str) -> None:
    """Check that a rule refuses a command, and that no file changes."""
    before = site.texts()
    assert site.server(*command) == 1
    told = site.complained()
    assert "refused: 403 PolicyNotAuthorized" in told
    assert f"os_compute_api:{rule} " in told
    assert site.texts() == before


@pytest.mark.parametrize(
    ("caller", "rule", "command"),
    [
        pytest.param(READER, "servers:resize", "resize", id="reader resizes"),
        pytest.param(STRANGER, "servers:delete", "delete", id="other project"),
        pytest.param(
            MEMBER, "os-migrate-server:migrate_live", "live-migrate", id="member moves"
        ),
        pytest.param(MANAGER, "os-evacuate", "evacuate", id="manager evacuates"),
        pytest.param(
            "role:admin,scope:system", "servers:delete", "delete", id="system scope"
        ),
    ],
)
def test_refused(site: StorySite, caller: str, rule: str, command: str) -> None:
    flavor = ("--flavor", LARGE) if command == "resize" else ()
    refused(site, rule, command, "web", *flavor, "--as", caller)


def test_allowed(site: StorySite) -> None:
    assert site.records().servers["web"].project_id == "P"
    assert site.server("live-migrate", "web", "--as", MANAGER) == 0
    assert site.server("resize", "web", "--flavor", LARGE, "--as", MEMBER) == 0
    assert site.server("confirm", "web", "--as", MEMBER) == 0
    target = "b" if site.records().servers["web"].host == "a" else "a"
    migrate = ("migrate", "web", "--host", target, "--as")
    refused(site, "os-migrate-server:migrate:host", *migrate, MANAGER)
    assert site.server(*migrate, ADMIN) == 0


def test_releases_differ(site: StorySite) -> None:
    """In Ussuri a live migration is for administrators, by project or by system."""
    ussuri = ("--rules", "ussuri", "--as")
    rule = "os-migrate-server:migrate_live"
    refused(site, rule, "live-migrate", "web", *ussuri, MANAGER)
    assert site.server("live-migrate", "web", *ussuri, "role:admin,scope:system") == 0


def test_policy_file(site: StorySite) -> None:
    path = site.folder / "policy.yaml"
    path.write_text('"os_compute_api:os-evacuate": "role:member"\n')
    assert site.server("stop-service", site.records().servers["web"].host or "") == 0
    refused(site, "os-evacuate", "evacuate", "web", "--as", MEMBER)
    file = ("--policy-file", str(path))
    assert site.server("evacuate", "web", "--as", MEMBER, *file) == 0


def test_locks_stop_owners(site: StorySite) -> None:
    records = site.records()
    records.servers["web"].locked = True
    records.save(site.known)
    assert site.server("delete", "web", "--as", MEMBER) == 1
    assert "409 InstanceIsLocked" in site.complained()
    assert site.server("delete", "web", "--as", ADMIN) == 0


def test_lists(site: StorySite) -> None:
    listed = ("list", str(site.path), "--records", str(site.known))
    for caller, more, expected in (
        (READER, (), 1),
        (STRANGER, (), 0),
        (ADMIN, (), 0),
        (ADMIN, ("--all-projects",), 1),
    ):
        assert site.run("server", *listed, "--json", "--as", caller, *more) == 0
        assert len(site.told()["servers"]) == expected
    assert site.run("server", *listed, "--all-projects", "--as", READER) == 1
    assert "get_all_tenants" in site.complained()


def test_services_are_for_administrators(site: StorySite) -> None:
    refused(site, "os-services:update", "stop-service", "a", "--as", MANAGER)
    assert site.server("stop-service", "a", "--as", ADMIN) == 0
