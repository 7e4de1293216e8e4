"""Nova's translation of a server into a query, in plain texts and dictionaries.

Written from the rules of ``scheduler/utils.py`` and ``objects/request_spec.py``: extra
specs, amounts, CPU policies, groups from outside, destination, policy and limit. What
guests ask for beyond that (encryption, TPM and so on) is not here.
"""

import math
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus

from kilonova.request.server import ServerSpec

STANDARD = {"VCPU", "PCPU", "MEMORY_MB", "DISK_GB", "VGPU", "FPGA"}
Groups = dict[str, dict[str, Any]]


def query(spec: ServerSpec, limit: int, in_tree: str | None) -> str:
    """Return the query that Nova sends."""
    groups = _groups(spec)
    of_flavor = len({suffix for suffix, _ in _entries(spec) if suffix})
    for group in groups.values():
        for name in [n for n, amount in group["resources"].items() if amount == 0]:
            del group["resources"][name]
    placed = {outside.suffix for outside in spec.groups if outside.member_of}
    groups = {s: g for s, g in groups.items() if any(g.values()) or s in placed}
    pairs = []
    if in_tree or (spec.destination and spec.destination.aggregates):
        groups.setdefault("", _empty())
    if in_tree:
        pairs.append(("in_tree", in_tree))
    for clause in spec.destination.aggregates if spec.destination else ():
        pairs.append(("member_of", "in:" + ",".join(sorted(clause))))
    policy = spec.flavor.extra_specs.get("group_policy")
    policy = policy if policy in ("none", "isolate") else None
    if policy is None and len([s for s in groups if s]) >= 2 and of_flavor < 2:
        policy = "none"
    if policy:
        pairs.append(("group_policy", policy))
    if not {"group", "same_host", "different_host"} & set(spec.hints):
        pairs.append(("limit", str(limit)))
    for suffix, group in groups.items():
        clauses = [each.member_of for each in spec.groups if each.suffix == suffix]
        pairs += _group_pairs(suffix, group, clauses[0] if clauses else ())
    return "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in sorted(pairs))


def _group_pairs(
    suffix: str, group: dict[str, Any], clauses: Iterable[frozenset[str]]
) -> list[tuple[str, str]]:
    amounts = [f"{name}:{amount}" for name, amount in group["resources"].items()]
    pairs = [(f"resources{suffix}", ",".join(sorted(amounts)))]
    traits = sorted(group["required"]) + ["!" + t for t in sorted(group["forbidden"])]
    if traits:
        pairs.append((f"required{suffix}", ",".join(traits)))
    for clause in clauses:
        pairs.append((f"member_of{suffix}", "in:" + ",".join(sorted(clause))))
    return pairs


def _empty() -> dict[str, Any]:
    return {"resources": {}, "required": set(), "forbidden": set()}


def _entries(spec: ServerSpec) -> list[tuple[str, tuple[str, str, str]]]:
    found = []
    for key, value in spec.flavor.extra_specs.items():
        head, colon, name = key.partition(":")
        for kind in ("resources", "trait"):
            suffix = head.removeprefix(kind)
            legal = suffix == "" or re.fullmatch("[a-zA-Z0-9_-]{1,64}", suffix)
            if colon and head.startswith(kind) and legal:
                found.append((suffix, (kind, name, value)))
    return found


def _groups(spec: ServerSpec) -> Groups:
    groups: Groups = {}
    for suffix, (kind, name, value) in _entries(spec):
        group = groups.setdefault(suffix, _empty())
        if kind == "trait":
            if value in ("required", "forbidden"):
                group[value].add(name)
        elif re.fullmatch("CUSTOM_.*", name) or name in STANDARD:
            amount = re.fullmatch(r"\s*\+?(\d+)\s*", value)
            group["resources"] |= {name: int(amount[1])} if amount else {}
    _pin(spec, groups)
    for outside in spec.groups:
        groups[outside.suffix] = {
            "resources": dict(outside.resources),
            "required": set().union(*outside.required),
            "forbidden": set(outside.forbidden),
        }
    seen = {name for group in groups.values() for name in group["resources"]}
    plain = groups.setdefault("", _empty())["resources"]
    flavor = spec.flavor
    if "VCPU" not in seen and "PCPU" not in seen:
        plain["VCPU"] = flavor.vcpus
    if "MEMORY_MB" not in seen:
        plain["MEMORY_MB"] = flavor.memory_mb
    disk = flavor.ephemeral_gb + math.ceil(flavor.swap_mb / 1024)
    disk += 0 if spec.is_volume_backed else flavor.root_gb
    if "DISK_GB" not in seen and disk > 0:
        plain["DISK_GB"] = disk
    return groups


def _pin(spec: ServerSpec, groups: Groups) -> None:
    """Pin CPUs: the mask is a list of numbers here, or one number after a ^."""
    extra = spec.flavor.extra_specs
    group = groups.setdefault("", _empty())
    spare = 1 if extra.get("hw:emulator_threads_policy") == "isolate" else 0
    if extra.get("hw:cpu_policy") == "dedicated":
        group["resources"]["PCPU"] = spec.flavor.vcpus + spare
    if extra.get("hw:cpu_policy") == "mixed":
        mask = extra["hw:cpu_dedicated_mask"]
        count = len(mask.split(","))
        pinned = spec.flavor.vcpus - count if mask.startswith("^") else count
        group["resources"]["PCPU"] = pinned + spare
        group["resources"]["VCPU"] = spec.flavor.vcpus - pinned
    threads = extra.get("hw:cpu_thread_policy")
    if threads == "isolate":
        group["forbidden"].add("HW_CPU_HYPERTHREADING")
    if threads == "require":
        group["required"].add("HW_CPU_HYPERTHREADING")
