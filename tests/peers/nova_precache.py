"""Nova's conductor, asked in process to have images cached on hosts.

Its hosts, their cells and services are given to it; what it tells of is recorded.
"""

import concurrent.futures
import warnings
from contextlib import ExitStack, nullcontext
from types import SimpleNamespace
from typing import Any
from unittest import mock

from kilonova.bench.peers.nova_imports import objects

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nova.conductor import manager


def cache_images(
    hosts: dict[str, tuple[str, bool]], results: dict[str, dict[str, str]]
) -> tuple[dict[str, dict[str, str]], tuple[Any, ...], dict[str, int]]:
    """Give results by host, counts of the summary, and failures by image.

    Parameters
    ----------
    hosts
        Cell, and whether the service is up, by host.
    results
        What a host answers.
    """
    task = manager.ComputeTaskManager.__new__(manager.ComputeTaskManager)
    task.compute_rpcapi = mock.Mock()
    task.compute_rpcapi.cache_images.side_effect = lambda _, host, image_ids: {
        image: results[host][image] for image in image_ids
    }
    task.servicegroup_api = mock.Mock()
    task.servicegroup_api.service_is_up.side_effect = lambda host: hosts[host][1]
    told: dict[str, dict[str, str]] = {}
    images = list(next(iter(results.values())))
    pool = concurrent.futures.ThreadPoolExecutor(2)

    def mapping(_: Any, host: str) -> Any:
        return SimpleNamespace(cell_mapping=SimpleNamespace(uuid=hosts[host][0]))

    def tell(_: Any, __: Any, host: str, result: dict[str, str], *___: int) -> None:
        told[host] = result

    with ExitStack() as stack, pool:
        for target, name, value in (
            (objects.HostMapping, "get_by_host", mapping),
            (objects.Service, "get_by_compute_host", lambda _, host: host),
            (manager.nova_context, "target_cell", lambda _, cell: nullcontext()),
            (manager.compute_utils, "notify_about_aggregate_action", mock.Mock()),
            (manager.compute_utils, "notify_about_aggregate_cache", tell),
            (
                manager.thread_pool_factory,
                "spawn_on",
                lambda _, function, *given: pool.submit(function, *given),
            ),
        ):
            stack.enter_context(mock.patch.object(target, name, value))
        log = stack.enter_context(mock.patch.object(manager, "LOG"))
        task.cache_images(None, SimpleNamespace(hosts=list(hosts)), images)
    last = log.info.call_args.args[1]
    counts = tuple(
        last[key] for key in ("cached", "existing", "error", "unsupported", "skipped")
    )
    failed = {
        call.args[1]["image"]: call.args[1]["fails"]
        for call in log.warning.call_args_list
    }
    return told, counts, failed
