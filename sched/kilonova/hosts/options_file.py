"""Options from a file: TOML, or INI as Nova has it.

Sections that have nothing to do with the choice of a host are passed over, and so are
options of Nova in the other sections that nothing here depends on.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from kilonova.errors import BadOption
from kilonova.hosts.options import Options
from kilonova.hosts.options_ini import parse_ini
from kilonova.hosts.options_values import Value, check_value, from_texts, from_toml
from kilonova.request.image_schema import CHOICES
from kilonova.textfiles import plainly, read_text

_Convert = Callable[[str, str, Value, object], Value]

_SECTIONS = {
    "DEFAULT" if each.name == "default" else each.name: each.name
    for each in fields(Options)
}
# Options that may be given again and again; all values count.
_MANY = frozenset([("pci", "alias"), ("filter_scheduler", "available_filters")])
_OLD = {("DEFAULT", "pci_alias"): ("pci", "alias")}
# What is in these sections besides, for other services, for the hosts and for moves.
_PASSED_OVER = {
    "kilonova": "compute_version cross_cell_with_port_resources",
    "scheduler": "discover_hosts_in_cells_interval workers",
    "pci": "device_spec passthrough_whitelist report_in_placement",
    "compute": """
        consecutive_build_service_disable_threshold cpu_dedicated_set cpu_shared_set
        image_type_exclude_list live_migration_wait_for_vif_plug
        max_concurrent_disk_ops max_disk_devices_to_attach provider_config_location
        resource_provider_association_refresh sharing_providers_max_uuids_per_request
        shutdown_retry_interval update_resources_max_workers vmdk_allowed_types""",
    "workarounds": """
        disable_compute_service_check_for_ffu disable_deep_image_inspection
        disable_group_policy_check_upcall disable_libvirt_livesnapshot disable_rootwrap
        enable_numa_live_migration enable_qemu_monitor_announce_self
        ensure_libvirt_rbd_instance_dir_cleanup handle_virt_lifecycle_events
        libvirt_disable_apic never_download_image_if_on_rbd
        qemu_monitor_announce_self_count qemu_monitor_announce_self_interval
        reserve_disk_resource_for_image_cache skip_cpu_compare_at_startup
        skip_cpu_compare_on_dest skip_hypervisor_version_check_on_lm
        skip_reserve_in_use_ironic_nodes unified_limits_count_pcpu_as_vcpu
        wait_for_vif_plugged_event_during_hard_reboot""",
}


def read_options(path: str | Path) -> Options:
    """Read options from a file; what it does not say keeps Nova's default.

    Parameters
    ----------
    path
        TOML if it ends in ``.toml``, otherwise INI.

    Raises
    ------
    BadInput
        If the file cannot be read.
    BadOption
        If a line is malformed, an option unknown, or a value of the wrong type.
    """
    path = Path(path)
    text = read_text(path, plainly("Options: "))
    read = options_from_toml if path.suffix == ".toml" else options_from_ini
    return read(text, path.name)


def options_from_toml(text: str, name: str = "options") -> Options:
    """Read options from TOML: a table for each section.

    Raises
    ------
    BadOption
        As in `read_options`; the message names section, option and value.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadOption(f"{name} must be TOML: {error}.") from error
    return _options(document, from_toml)


def options_from_ini(text: str, name: str = "options") -> Options:
    """Read options from the form of oslo.config.

    Raises
    ------
    BadOption
        As in `read_options`; the message names section, option and value.
    """
    sections = parse_ini(text, name)
    for (old_section, old_name), (section, option) in _OLD.items():
        texts = sections.get(old_section, {}).pop(old_name, None)
        if texts:
            sections.setdefault(section, {}).setdefault(option, []).extend(texts)
    return _options(sections, _from_texts)


def _from_texts(section: str, option: str, default: Value, texts: object) -> Value:
    many = (section, option) in _MANY
    return from_texts(section, option, default, cast(Sequence[str], texts), many)


def _options(document: Mapping[str, object], convert: _Convert) -> Options:
    found = Options()
    for section, entries in document.items():
        name = _SECTIONS.get(section)
        if name is None:
            continue
        if not isinstance(entries, Mapping):
            raise BadOption(f"[{section}] must be a section, got {entries!r}.")
        known = getattr(found, name)
        values: dict[str, Any] = {}
        for option, given in entries.items():
            if _is_known(section, option, known):
                default = getattr(known, option)
                values[option] = convert(section, option, default, given)
        _check_architecture(section, values)
        found = replace(found, **cast(Any, {name: replace(known, **values)}))
    return found


def _is_known(section: str, option: str, known: Any) -> bool:
    """Say whether an option is one of ours; one that is nobody's is refused.

    In ``[DEFAULT]`` lie options of many libraries, so only what looks like a slip of
    the pen is refused there.
    """
    names = [each.name for each in fields(known)]
    if option in names:
        return True
    if option in _PASSED_OVER.get(section, "").split():
        return False
    near = get_close_matches(option, names, n=1, cutoff=0.9)
    if section == "DEFAULT" and not near:
        return False
    nearest = near or get_close_matches(option, names, n=1, cutoff=0.0)
    raise BadOption(
        f"[{section}] has no option {option!r}; the nearest is {nearest[0]!r}."
    )


def check_options(options: Options) -> None:
    """Raise BadOption where options made in Python have what no file may have."""
    for name, attribute in _SECTIONS.items():
        section = getattr(options, attribute)
        values = {each.name: getattr(section, each.name) for each in fields(section)}
        for option, value in values.items():
            check_value(name, option, value)
        _check_architecture(name, values)


def _check_architecture(section: str, values: Mapping[str, Any]) -> None:
    option = "image_properties_default_architecture"
    value = values.get(option)
    if value is not None and value not in CHOICES["hw_architecture"]:
        raise BadOption(
            f"[{section}] {option} must be one of {CHOICES['hw_architecture']}, "
            f"got {value!r}."
        )
