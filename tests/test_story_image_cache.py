"""Images are fetched ahead for a rack, and servers of the image go where it is.

One host of the rack is down and one cannot fetch; both are told, and the others go on.
"""

from pathlib import Path

import pytest

from kilonova.candidates.cloud import Cloud
from story_site import SMALL, StorySite

IMAGE = "6f2c6a3e-6f0a-4b5c-9f0e-2d6a3c1b7a90"
ADMIN, MANAGER = "role:admin,project:ops", "role:manager,project:P"
LOCALITY = """\
[filter_scheduler]
weight_classes = ImageLocalityWeigher
"""


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> StorySite:
    """Lay out four hosts; b, c and d are a rack, of which d is down."""
    names = ("a", "b", "c", "d")
    hosts = [{"nodename": name, "aggregates": ["rack"]} for name in names]
    hosts[0]["aggregates"] = []
    rack = [{"uuid": "rack", "name": "rack 7"}]
    made = StorySite(tmp_path, capsys, names, hosts=hosts, host_aggregates=rack)
    assert made.server("stop-service", "d") == 0
    return made


def precache(site: StorySite, *more: str) -> int:
    return site.run("precache", str(site.path), "rack 7", IMAGE, *more)


def having(site: StorySite) -> set[str]:
    """Give the hosts that have the image."""
    listed = Cloud.read(site.path).to_document()["hosts"]
    return {h["nodename"] for h in listed if IMAGE in h.get("image_uuids", ())}


def test_fetched_ahead_and_used(site: StorySite) -> None:
    before = site.texts()
    out = ("--out", str(site.path))
    assert precache(site, *out, "--as", MANAGER) == 2
    assert "compute:aggregates:images" in site.complained()
    assert site.texts() == before

    assert precache(site, *out, "--as", ADMIN, "--fail", f"c={IMAGE}") == 1
    shown = site.shown()
    assert f"b: {IMAGE} cached" in shown
    assert f"c: {IMAGE} error" in shown
    assert "1 hosts skipped (down)" in shown
    assert having(site) == {"b"}

    conf = site.folder / "nova.conf"
    conf.write_text(LOCALITY)
    boot = ("boot", "web", "--flavor", SMALL, "--config-file", str(conf))
    assert site.server(*boot, "--image", IMAGE) == 0
    assert site.records().servers["web"].host == "b"

    # Again: nothing is fetched twice, and what failed is made up for.
    assert precache(site, *out, "--as", ADMIN) == 0
    shown = site.shown()
    assert f"b: {IMAGE} existing" in shown
    assert f"c: {IMAGE} cached" in shown
    assert having(site) == {"b", "c"}


def test_what_cannot_be_asked(site: StorySite) -> None:
    before = site.texts()
    assert precache(site, IMAGE) == 2
    assert "Duplicate images" in site.complained()
    assert site.run("precache", str(site.path), "rack 8", IMAGE) == 2
    assert "Aggregate rack 8 could not be found." in site.complained()
    assert site.texts() == before
