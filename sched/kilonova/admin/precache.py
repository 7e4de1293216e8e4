"""Have the hosts of an aggregate fetch images before servers need them."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from kilonova.admin.precache_plan import PrecachePlan
from kilonova.cloud.cloud import BaseCloud
from kilonova.cloud.hosts import set_image_uuids
from kilonova.errors import BadInput

STATUSES = ("cached", "existing", "error", "unsupported", "skipped")


class Fetcher(Protocol):
    """What has a host fetch an image into its cache.

    It is called from several threads at once, for each host from one alone.
    """

    def __call__(self, host: str, image: str) -> bool:
        """Give True where the image was fetched, False where it was there.

        Raises
        ------
        NotImplementedError
            The host's driver does not keep images.
        Exception
            Anything else: the image could not be fetched.
        """
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """One host is done.

    Attributes
    ----------
    host, cell_uuid
        The host.
    results
        One of ``STATUSES`` by image.
    completed, total
        How many hosts are done, this one included, and how many there are.
    """

    host: str
    cell_uuid: str | None
    results: Mapping[str, str]
    completed: int
    total: int


@dataclass(slots=True)
class PrecacheResult:
    """What came of it.

    Attributes
    ----------
    plan
        What was asked.
    hosts
        Results of each host that is done, in the order in which they were.
    errors
        What was wrong, by host and image.
    """

    plan: PrecachePlan
    hosts: dict[str, dict[str, str]] = field(default_factory=dict)
    errors: dict[tuple[str, str], str] = field(default_factory=dict)

    def images(self) -> dict[str, dict[str, int]]:
        """Count the hosts by image and status."""
        counts = {image: Counter[str]() for image in self.plan.images}
        for results in self.hosts.values():
            for image, status in results.items():
                counts[image][status] += 1
        return {
            image: {status: count[status] for status in STATUSES}
            for image, count in counts.items()
        }

    def totals(self) -> dict[str, int]:
        """Count by status; what was skipped in hosts, all else in images on hosts."""
        each = self.images().values()
        found = {status: sum(count[status] for count in each) for status in STATUSES}
        found["skipped"] = sum(len(cell.down) for cell in self.plan.cells)
        return found

    def summary(self) -> str:
        """Give all of it in one line."""
        totals = self.totals()
        images, cells = len(self.plan.images), len(self.plan.cells)
        return (
            f"{images} images, {self.plan.host_count} hosts, {cells} cells: "
            f"{totals['cached']} cached, {totals['existing']} existing, "
            f"{totals['error']} errors, {totals['unsupported']} unsupported, "
            f"{totals['skipped']} hosts skipped (down)"
        )

    def warnings(self) -> list[str]:
        """Give a line for each image that some host could not fetch."""
        return [
            f"Image {image} failed on {count['error']} hosts"
            for image, count in self.images().items()
            if count["error"]
        ]


def run_precache(
    cloud: BaseCloud,
    plan: PrecachePlan,
    fetcher: Fetcher,
    *,
    concurrency: int = 1,
    progress: Callable[[Progress], None] | None = None,
) -> PrecacheResult:
    """Carry out a plan; the cloud then knows which hosts have the images.

    Parameters
    ----------
    cloud
        Whose hosts are meant.
    plan
        What `plan_precache` gave.
    fetcher
        Does the work; nothing is tried twice.
    concurrency
        Most hosts that fetch at a time, over all cells, at least 1:
        ``[image_cache] precache_concurrency``.
    progress
        Called for each host that is done, never for two at once. What it raises stops
        the run.

    Raises
    ------
    BadInput
        ``concurrency`` is less than 1.

    Notes
    -----
    As ``cache_images`` in Nova's conductor and compute manager. What hosts fetched
    before an interruption is kept.
    """
    if concurrency < 1:
        raise BadInput(f"concurrency must be at least 1, got {concurrency}.")
    run = _Run(PrecacheResult(plan), fetcher, progress)
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="precache")
    try:
        run.start(pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        _keep(cloud, run.result)
    return run.result


class _Run:
    """A run: what its threads share."""

    def __init__(
        self,
        result: PrecacheResult,
        fetcher: Fetcher,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.result = result
        self.fetcher = fetcher
        self.progress = progress
        self.lock = Lock()
        self.stopped = False

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Ask all hosts, and wait for them."""
        images = self.result.plan.images
        futures = []
        for cell in self.result.plan.cells:
            for host in cell.hosts:
                if host in cell.down:
                    self._done(host, cell.cell_uuid, dict.fromkeys(images, "skipped"))
                else:
                    futures.append(pool.submit(self._host, host, cell.cell_uuid))
        for future in wait(futures, return_when="FIRST_EXCEPTION").done:
            future.result()

    def _host(self, host: str, cell_uuid: str | None) -> None:
        if not self.stopped:
            images = self.result.plan.images
            results = {image: self._image(host, image) for image in images}
            self._done(host, cell_uuid, results)

    def _image(self, host: str, image: str) -> str:
        try:
            return "cached" if self.fetcher(host, image) else "existing"
        except NotImplementedError:
            return "unsupported"
        except Exception as error:
            # Whatever a fetcher stumbles over: the other images are still tried.
            with self.lock:
                self.result.errors[host, image] = str(error) or type(error).__name__
            return "error"

    def _done(self, host: str, cell_uuid: str | None, results: dict[str, str]) -> None:
        with self.lock:
            self.result.hosts[host] = results
            if not self.progress or self.stopped:
                return
            done, total = len(self.result.hosts), self.result.plan.host_count
            try:
                self.progress(Progress(host, cell_uuid, results, done, total))
            except BaseException:
                self.stopped = True
                raise


def _keep(cloud: BaseCloud, result: PrecacheResult) -> None:
    """Tell the cloud what lies in the caches of its hosts now."""
    state = cloud.state
    images: dict[int, frozenset[str]] = {}
    with state.lock:
        for row, (service, facts) in enumerate(state.hosts.said_of_services()):
            results = result.hosts.get(service, {})
            there = {i for i, s in results.items() if s in ("cached", "existing")}
            known = facts.get("image_uuids", frozenset())
            if there - known:
                images[row] = known | there
        set_image_uuids(state, images)
