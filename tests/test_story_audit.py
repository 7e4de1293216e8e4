"""A host dies, its server is evacuated, and the host never comes back.

What the server held there goes on being held: the audit finds it (exit status 3),
deletes it (4), and finds nothing any more (0).
"""

from pathlib import Path

import pytest

from story_site import SMALL, StorySite


@pytest.mark.parametrize("returns", [False, True])
def test_source_never_returns(
    returns: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = StorySite(tmp_path, capsys)
    assert site.server("boot", "web", "--flavor", SMALL, "--host", "a") == 0
    assert site.audit() == 0
    assert site.server("stop-service", "a") == 0
    assert site.server("evacuate", "web", "--json") == 0
    (migration,) = site.told()["migrations"]
    target = migration["destination"]
    assert site.hosts_of("web") == {"a", target}
    if returns:
        assert site.server("start-service", "a") == 0
        assert site.audit() == 0
        assert site.hosts_of("web") == {target}
        return
    site.shown()
    assert site.audit() == 3
    assert site.shown().splitlines() == [
        "Provider a: consumer web (VCPU 2, MEMORY_MB 2048, DISK_GB 10) belongs to "
        "nothing.",
        "Orphans found: 1.",
    ]
    assert site.audit("--delete", "--out", str(site.path)) == 4
    assert site.audit() == 0
    assert site.hosts_of("web") == {target}
    # Should the host return after all, there is nothing left to free.
    assert site.server("start-service", "a") == 0
    assert site.hosts_of("web") == {target}


def test_what_a_failure_leaves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A live migration fails when the guest has moved: the source stays held."""
    site = StorySite(tmp_path, capsys)
    assert site.server("boot", "web", "--flavor", SMALL, "--host", "a") == 0
    fails = ("--host", "b", "--fail", "post_live_migration@b")
    assert site.server("live-migrate", "web", *fails) == 3
    assert "server web: error on b" in site.shown()
    (migration,) = site.records().migrations
    assert (site.hosts_of("web"), site.hosts_of(migration)) == ({"b"}, {"a"})
    assert site.audit() == 3
    assert migration in site.shown()
    assert site.audit("--delete", "--out", str(site.path)) == 4
    assert site.held(migration) == {}
