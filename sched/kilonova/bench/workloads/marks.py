"""Which trees fit: all marked by a scan, or what a claim changed looked at again."""

from dataclasses import replace
from functools import partial

import numpy as np

from kilonova.bench.document import uuid_of
from kilonova.bench.questions import (
    AMOUNTS,
    PORTS,
    QUERIES,
    SHAPES_OF,
    edited,
    mark_bytes,
    numpy_marks,
)
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.candidates.marking import Marking
from kilonova.request.query import parse_query


def _scan(name: str, cloud: Cloud, fleet: Fleet) -> Work:
    state, ports = cloud.state, PORTS[name]
    marking = Marking(state, parse_query(QUERIES[name]), True)
    plain = numpy_marks(state, ports)

    def check() -> bool:
        return marking.scan(state) == int(plain().sum()) and bool(
            np.array_equal(marking.fits(state), plain())
        )

    return Work(
        call=lambda: marking.scan(state),
        check=check,
        touched=mark_bytes(fleet.hosts, ports),
        plain=plain,
    )


def _refresh(name: str, cloud: Cloud, _fleet: Fleet) -> Work:
    state, server = cloud.state, uuid_of("refresh")
    marking = Marking(state, parse_query(QUERIES[name]), True)
    plain = numpy_marks(state, PORTS[name])
    host = next(iter(cloud.allocation_candidates(QUERIES["plain"], 1))).root
    held = {host: dict(AMOUNTS)}

    def check() -> bool:
        marking.fits(state)
        cloud.claim(server, held)
        right = np.array_equal(marking.fits(state), plain())
        cloud.release(server)
        return bool(right)

    return Work(
        call=lambda: marking.fits(state),
        check=check,
        before=lambda: cloud.claim(server, held),
        after=lambda: cloud.release(server),
        plain=plain,
    )


def _compile(name: str, cloud: Cloud, _fleet: Fleet) -> Work:
    """Compile a request of a new kind: an edit of traits leaves no lists behind."""
    state, request = cloud.state, parse_query(QUERIES[name])
    plain = numpy_marks(state, PORTS[name])
    return Work(
        call=lambda: Marking(state, request, True),
        check=lambda: np.array_equal(
            Marking(state, request, True).fits(state), plain()
        ),
        before=lambda: edited(cloud),
        # Which traits each provider has.
        touched=int(state.tables.provider["trait_set"].nbytes),
    )


def _compile_amount(name: str, cloud: Cloud, fleet: Fleet) -> Work:
    """Compile one that asks for another amount than one that was compiled before."""
    return replace(_compile(name, cloud, fleet), before=None, touched=0)


WORKLOADS = (
    *(
        Workload(
            f"marks: all, {name}",
            "mark all trees with the plan compiled",
            partial(_scan, name),
            shapes=SHAPES_OF[name],
            quick=True,
        )
        for name in QUERIES
    ),
    *(
        Workload(
            f"marks: after a claim, {name}",
            "bring marks up to date after one claim",
            partial(_refresh, name),
            shapes=SHAPES_OF[name],
            quick=name == "one port",
        )
        for name in ("plain", "one port")
    ),
    Workload(
        "marks: compile, one port",
        "turn a new request into numbers, and find the providers it admits",
        partial(_compile, "one port"),
        shapes=("nested",),
        fills=(0.7,),
    ),
    Workload(
        "marks: compile, other amounts",
        "the same, where one that differs only in amounts was asked before",
        partial(_compile_amount, "one port"),
        shapes=("nested",),
        fills=(0.7,),
    ),
)
