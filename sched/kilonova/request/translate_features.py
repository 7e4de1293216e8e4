"""Features of guest and image as resources and traits of the unsuffixed group.

A function per rule; together they are the ``_translate_*`` functions of
``ResourceRequest`` in Nova's ``scheduler/utils.py``.
"""

from collections import Counter

from kilonova.request.custom_names import custom_name
from kilonova.request.draft import Draft
from kilonova.request.guest_features import (
    address_mode,
    pci_numa_policy,
    persistent_memory_labels,
    secure_boot,
    stateless_firmware,
    tpm,
)
from kilonova.request.memory_encryption import memory_encryption
from kilonova.request.server import ServerSpec

_ADDRESS_TRAITS = {
    "passthrough": "COMPUTE_ADDRESS_SPACE_PASSTHROUGH",
    "emulate": "COMPUTE_ADDRESS_SPACE_EMULATED",
}
_TPM_TRAITS = {
    "tpm-tis": "COMPUTE_SECURITY_TPM_TIS",
    "tpm-crb": "COMPUTE_SECURITY_TPM_CRB",
    "1.2": "COMPUTE_SECURITY_TPM_1_2",
    "2.0": "COMPUTE_SECURITY_TPM_2_0",
}


def add_image_traits(draft: Draft, spec: ServerSpec) -> None:
    """Require the traits that the image names."""
    traits = spec.image.properties.get("traits_required", ())
    if isinstance(traits, tuple):
        draft.group().required.update(traits)


def add_features(draft: Draft, spec: ServerSpec) -> None:
    """Ask for all that flavor and image want of the host.

    Raises
    ------
    BadServerSpec
        If a setting is malformed, or flavor and image contradict each other.
    """
    for rule in (
        _add_memory_encryption,
        _add_persistent_memory,
        _add_tpm,
        _add_pci_numa_policy,
        _add_secure_boot,
        _add_address_mode,
        _add_stateless_firmware,
    ):
        rule(draft, spec)


def _add_memory_encryption(draft: Draft, spec: ServerSpec) -> None:
    model = memory_encryption(spec.flavor, spec.image)
    if model is not None:
        draft.group().resources["MEM_ENCRYPTION_CONTEXT"] = 1
        draft.group().required.add(model.trait)


def _add_persistent_memory(draft: Draft, spec: ServerSpec) -> None:
    labels = persistent_memory_labels(spec.flavor)
    names = (custom_name(f"PMEM_NAMESPACE_{label}") for label in labels)
    for name, amount in Counter(names).items():
        draft.group().resources[name] = amount


def _add_tpm(draft: Draft, spec: ServerSpec) -> None:
    wanted = tpm(spec.flavor, spec.image)
    if wanted is not None:
        draft.group().required |= {_TPM_TRAITS[part] for part in wanted}


def _add_pci_numa_policy(draft: Draft, spec: ServerSpec) -> None:
    if pci_numa_policy(spec.flavor, spec.image) == "socket":
        draft.group().required.add("COMPUTE_SOCKET_PCI_NUMA_AFFINITY")


def _add_secure_boot(draft: Draft, spec: ServerSpec) -> None:
    if secure_boot(spec.flavor, spec.image) == "required":
        draft.group().required.add("COMPUTE_SECURITY_UEFI_SECURE_BOOT")


def _add_address_mode(draft: Draft, spec: ServerSpec) -> None:
    mode = address_mode(spec.flavor, spec.image)
    if mode is not None:
        draft.group().required.add(_ADDRESS_TRAITS[mode])


def _add_stateless_firmware(draft: Draft, spec: ServerSpec) -> None:
    if stateless_firmware(spec.image):
        draft.group().required.add("COMPUTE_SECURITY_STATELESS_FIRMWARE")
