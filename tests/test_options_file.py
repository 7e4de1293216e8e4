"""Options are read from files as Nova reads them, and errors name what is wrong.

Random INI files are read by oslo.config too, with Nova's options registered by type;
both must give the same values, or both refuse the file.
"""

import math
import random
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from kilonova import Cloud
from kilonova.errors import BadInput, BadOption
from kilonova.hosts.options import Options, PciSection
from kilonova.hosts.options_file import (
    check_options,
    options_from_ini,
    options_from_toml,
    read_options,
)
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.image_schema import CHOICES

SECTIONS = {
    "DEFAULT" if each.name == "default" else each.name: each.name
    for each in fields(Options)
}
MULTI = {("pci", "alias"), ("filter_scheduler", "available_filters")}
LEAST = {
    "max_attempts": 1,
    "max_placement_results": 1,
    "host_subset_size": 1,
    "max_io_ops_per_host": 0,
    "max_instances_per_host": 1,
    "pci_weight_multiplier": 0.0,
    "soft_affinity_weight_multiplier": 0.0,
    "soft_anti_affinity_weight_multiplier": 0.0,
}


def oslo_option(section: str, name: str, default: Any) -> Any:
    if (section, name) in MULTI:
        old = [cfg.DeprecatedOpt("pci_alias", group="DEFAULT")]
        return cfg.MultiStrOpt(
            name,
            default=list(default),
            deprecated_opts=old if name == "alias" else None,
        )
    if isinstance(default, tuple):
        return cfg.ListOpt(name, default=list(default))
    if isinstance(default, bool):
        return cfg.BoolOpt(name, default=default)
    if isinstance(default, int | float):
        kind: Any = cfg.IntOpt if isinstance(default, int) else cfg.FloatOpt
        return kind(name, default=default, min=LEAST.get(name))
    known = CHOICES["hw_architecture"] if name.endswith("architecture") else None
    return cfg.StrOpt(name, default=default, choices=known)


def read_by_oslo(path: Path) -> Options:
    """Read a file with oslo.config; raises what it raises."""
    conf = cfg.ConfigOpts()
    for section, attribute in SECTIONS.items():
        known = getattr(Options(), attribute)
        for each in fields(known):
            option = oslo_option(section, each.name, getattr(known, each.name))
            conf.register_opt(option, group=None if section == "DEFAULT" else section)
    conf([], default_config_files=[str(path)], default_config_dirs=[])
    found = Options()
    for section, attribute in SECTIONS.items():
        known = getattr(found, attribute)
        group = conf if section == "DEFAULT" else conf[section]
        values = {each.name: group[each.name] for each in fields(known)}
        frozen = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
        changed: Any = {attribute: replace(known, **frozen)}
        found = replace(found, **changed)
    return found


VALUES = [
    *("1", "0", "-1", " 7 ", "1.5", "1e3", "nan x", "true", "Yes", "off", "maybe", ""),
    *(
        "a,b",
        "a, b ,c,",
        '"quoted"',
        "'a,b'",
        '"',
        "a\n  b",
        "$$5",
        "\\$5",
        "a=b",
        "a:b",
    ),
    *('{"name": "x"}', "# no comment", "[x]"),
]


def random_file(rng: random.Random) -> str:
    lines = []
    for section in rng.sample(sorted(SECTIONS), 3):
        lines.append(
            rng.choice([f"[{section}]", f"[{section}]", f"[{section.title()}]"])
        )
        if section == "DEFAULT":
            lines[-1] = "[DEFAULT]"
        known = getattr(Options(), SECTIONS[section])
        names = [each.name for each in fields(known)]
        names += [name for name in names if name in LEAST] * 3
        for name in rng.choices(names, k=rng.choice([1, 2])):
            default = getattr(known, name)
            usual = default if isinstance(default, int | float) else "a"
            likely = [usual]
            if name in LEAST:
                likely = [LEAST[name], LEAST[name], LEAST[name] - 1]
            value = rng.choice([*VALUES, *map(str, likely * 30)])
            lines.append(f"{name}{rng.choice([' = ', '=', ': '])}{value}")
        lines.append(rng.choice(["", "# comment", "; comment"]))
    return "\n".join(lines)


def test_same_as_oslo(tmp_path: Path) -> None:
    rng = random.Random(11)
    path = tmp_path / "nova.conf"
    read = 0
    for _ in range(400):
        text = random_file(rng)
        path.write_text(text)
        try:
            expected = read_by_oslo(path)
        except (cfg.ConfigFileValueError, cfg.ConfigFileParseError):
            with pytest.raises(BadOption):
                read_options(path)
            continue
        if has_empty_number(expected):
            with pytest.raises(BadOption):
                read_options(path)
            continue
        read += 1
        assert read_options(path) == expected, text
    assert read > 100


def has_empty_number(options: Options) -> bool:
    """Say whether a number was left empty, which oslo.config takes for none at all."""
    return any(
        getattr(getattr(options, section), each.name) is None
        and isinstance(getattr(getattr(Options(), section), each.name), int | float)
        for section in SECTIONS.values()
        for each in fields(getattr(options, section))
    )


def test_a_real_file(tmp_path: Path) -> None:
    path = tmp_path / "nova.conf"
    path.write_text(
        "[DEFAULT]\n"
        "debug = true\n"
        "transport_url = rabbit://u:p@host\n"
        "[database]\n"
        "connection = mysql://x\n"
        "[scheduler]\n"
        "workers = 4\n"
        "max_attempts = 5\n"
        "[filter_scheduler]\n"
        "enabled_filters = ComputeFilter,\n"
        "  NUMATopologyFilter\n"
        "weight_classes = a.B\n"
        "ram_weight_multiplier = -2\n"
        "[pci]\n"
        'alias = {"name": "a", "vendor_id": "8086", "product_id": "0443"}\n'
        'alias = {"name": "b", "vendor_id": "8086", "product_id": "0442"}\n'
        "device_spec = {}\n"
    )
    options = read_options(path)
    assert options.scheduler.max_attempts == 5
    filters = ("ComputeFilter", "NUMATopologyFilter")
    assert options.filter_scheduler.enabled_filters == filters
    assert options.filter_scheduler.ram_weight_multiplier == -2.0
    assert [text[10] for text in options.pci.alias] == ["a", "b"]
    assert options == read_by_oslo(path)


def test_old_place_of_aliases() -> None:
    assert options_from_ini("[DEFAULT]\npci_alias = {}\n").pci == PciSection(("{}",))


def test_toml() -> None:
    options = options_from_toml(
        "[scheduler]\nmax_attempts = 2\n"
        "[filter_scheduler]\ncpu_weight_multiplier = 2\nisolated_hosts = ['a', 'b']\n"
        "pci_in_placement = true\n"
        "[[pci.alias]]\nname = 'gpu'\nresource_class = 'VGPU'\n"
        "[api]\nauth_strategy = 'x'\n"
    )
    assert options.scheduler.max_attempts == 2
    assert options.filter_scheduler.cpu_weight_multiplier == 2.0
    assert isinstance(options.filter_scheduler.cpu_weight_multiplier, float)
    assert options.filter_scheduler.isolated_hosts == ("a", "b")
    assert options.pci.alias == ('{"name": "gpu", "resource_class": "VGPU"}',)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[scheduler]\nmax_attempt = 3",
            "[scheduler] has no option 'max_attempt'; the nearest is 'max_attempts'.",
        ),
        (
            "[DEFAULT]\nservice_downtime = 3",
            "[DEFAULT] has no option 'service_downtime'; the nearest is "
            "'service_down_time'.",
        ),
        (
            "[scheduler]\nmax_attempts = x",
            "[scheduler] max_attempts must be a whole number from 1, got 'x'.",
        ),
        (
            "[filter_scheduler]\npci_weight_multiplier = -1",
            "[filter_scheduler] pci_weight_multiplier must be a finite number "
            "from 0, got '-1'.",
        ),
        *(
            (
                f"[filter_scheduler]\nram_weight_multiplier = {text}",
                "[filter_scheduler] ram_weight_multiplier must be a finite number, "
                f"got '{text}'.",
            )
            for text in ("nan", "inf", "-Infinity", "1e999")
        ),
        (
            "[metrics]\nweight_setting = load=1, heat=nan",
            "[metrics] weight_setting must be of NAME=NUMBER, all finite, "
            "got 'heat=nan'.",
        ),
        (
            "[metrics]\nrequired = t",
            "[metrics] required must be true or false, got 't'.",
        ),
        (
            "[metrics]\nweight_setting = $foo",
            "[metrics] weight_setting must be without references to other options, "
            "got '$foo'.",
        ),
        (
            "x = 1",
            "options, line 1: the line must come after a '[section]', got 'x = 1'.",
        ),
        ("[a", "options, line 1: the line must be like '[section]', got '[a'."),
        ("[a]\nb", "options, line 2: the line must be like 'key = value', got 'b'."),
        (" a", "options, line 1: the line must begin without a space, got ' a'."),
    ],
)
def test_bad_ini(text: str, message: str) -> None:
    with pytest.raises(BadOption) as caught:
        options_from_ini(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[scheduler]\nmax_attempts = '3'", "a whole number from 1, got '3'"),
        ("[scheduler]\nmax_attempts = true", "a whole number from 1, got True"),
        ("[scheduler]\nmax_attempts = 0", "a whole number from 1, got '0'"),
        ("[scheduler]\nmax_attempts = 1.0", "a whole number from 1, got 1.0"),
        ("[metrics]\nrequired = 1", "true or false, got 1"),
        ("[metrics]\nweight_multiplier = nan", "a finite number, got 'nan'"),
        ("[metrics]\nweight_of_unavailable = -inf", "a finite number, got '-inf'"),
        ("[metrics]\nweight_setting = ['load=inf']", "all finite, got 'load=inf'"),
        (
            "[filter_scheduler]\nimage_props_weight_setting = ['os_type=nan']",
            "all finite, got 'os_type=nan'",
        ),
        ("[pci]\nalias = '{}'", "a list of texts, got '{}'"),
        ("[pci]\nalias = [1]", "a list of texts, got 1"),
        ("[DEFAULT]\ndefault_schedule_zone = 1", "a text, got 1"),
        ("scheduler = 1", "must be a section, got 1"),
        ("[scheduler", "options must be TOML"),
        (
            "[filter_scheduler]\nimage_properties_default_architecture = 'x87'",
            "got 'x87'",
        ),
    ],
)
def test_bad_toml(text: str, message: str) -> None:
    with pytest.raises(BadOption) as caught:
        options_from_toml(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("metrics", {"weight_multiplier": math.nan}, "a finite number, got 'nan'"),
        ("metrics", {"weight_setting": ("load=inf",)}, "all finite, got 'load=inf'"),
        ("scheduler", {"max_attempts": 0}, "a whole number from 1, got '0'"),
        (
            "filter_scheduler",
            {"image_properties_default_architecture": "x87"},
            "got 'x87'",
        ),
    ],
)
def test_options_made_in_python(
    section: str, values: dict[str, Any], message: str
) -> None:
    known = Options()
    changed = replace(getattr(known, section), **values)
    options = replace(known, **{section: changed})
    with pytest.raises(BadOption) as caught:
        Scheduler(Cloud(), options)
    assert message in str(caught.value)
    assert f"[{section}] {next(iter(values))}" in str(caught.value)
    check_options(known)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_options(tmp_path / "nova.conf")
