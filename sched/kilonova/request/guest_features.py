"""What else a guest asks of the host that runs it: TPM, secure boot, sound and so on.

Each function reads one setting of flavor and image and refuses what Nova refuses; the
notes name Nova's function in ``virt/hardware.py``.
"""

from typing import NamedTuple

from kilonova.errors import BadServerSpec
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.settings import (
    agreed_boolean,
    agreed_text,
    boolean_property,
    check_known,
    extra_spec,
    text_property,
)

_SOUND_MODELS = ("sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "virtio")
_PCI_POLICIES = ("required", "legacy", "preferred", "socket")


class Tpm(NamedTuple):
    """An emulated TPM: version ``1.2`` or ``2.0``, model ``tpm-tis`` or ``tpm-crb``."""

    version: str
    model: str


def tpm(flavor: Flavor, image: Image) -> Tpm | None:
    """Return the TPM asked for, or None (``get_vtpm_constraint``).

    Raises
    ------
    BadServerSpec
        As Invalid for an unknown version or model, or model CRB with version 1.2; as
        FlavorImageConflict if flavor and image differ.
    """
    version = agreed_text(flavor, image, "tpm_version")
    if version is None:
        return None
    check_known("hw:tpm_version", version, ("1.2", "2.0"))
    model = agreed_text(flavor, image, "tpm_model")
    if model is None:
        return Tpm(version, "tpm-tis")
    check_known("hw:tpm_model", model, ("tpm-tis", "tpm-crb"))
    if model == "tpm-crb" and version != "2.0":
        raise BadServerSpec(
            f"hw:tpm_model 'tpm-crb' needs hw:tpm_version '2.0', got {version!r}."
        )
    return Tpm(version, model)


def tpm_secret_security(flavor: Flavor) -> str:
    """Return who guards the secret of the TPM, ``user`` unless the flavor says."""
    return extra_spec(flavor, "hw:tpm_secret_security") or "user"


def secure_boot(flavor: Flavor, image: Image) -> str | None:
    """Return the policy of secure boot, or None (``get_secure_boot_constraint``).

    Raises
    ------
    BadServerSpec
        As Invalid for an unknown policy; as FlavorImageConflict if they differ.
    """
    policy = agreed_text(flavor, image, "secure_boot", prefix="os")
    if policy is not None:
        check_known("os:secure_boot", policy, ("required", "disabled", "optional"))
    return policy


def address_mode(flavor: Flavor, image: Image) -> str | None:
    """Return the mode of physical addresses, or None (``get_maxphysaddr_mode``).

    Raises
    ------
    BadServerSpec
        As Invalid for an unknown mode; as FlavorImageConflict if they differ.
    """
    mode = agreed_text(flavor, image, "maxphysaddr_mode")
    if mode is not None:
        check_known("hw:maxphysaddr_mode", mode, ("passthrough", "emulate"))
    return mode


def stateless_firmware(image: Image) -> bool:
    """Say whether UEFI firmware keeps no state (``get_stateless_firmware_constraint``).

    Without UEFI the property counts for nothing.
    """
    uefi = text_property(image, "hw_firmware_type") == "uefi"
    return uefi and bool(boolean_property(image, "hw_firmware_stateless"))


def packed_virtqueue(flavor: Flavor, image: Image) -> bool:
    """Say whether virtio rings are packed (``get_packed_virtqueue_constraint``).

    Raises
    ------
    BadServerSpec
        As FlavorImageConflict if flavor and image differ.
    """
    return agreed_boolean(flavor, image, "virtio_packed_ring")


def ephemeral_encryption(flavor: Flavor, image: Image) -> bool:
    """Say whether disks are encrypted (``get_ephemeral_encryption_constraint``).

    Raises
    ------
    BadServerSpec
        As FlavorImageConflict if flavor and image differ.
    """
    return agreed_boolean(flavor, image, "ephemeral_encryption")


def ephemeral_encryption_format(flavor: Flavor, image: Image) -> str | None:
    """Return the format of encrypted disks (``get_ephemeral_encryption_format``).

    Raises
    ------
    BadServerSpec
        As Invalid for an unknown format; as FlavorImageConflict if they differ.
    """
    name = agreed_text(flavor, image, "ephemeral_encryption_format")
    if not name:
        return None
    known = ("plain", "luks", "luksv2")
    check_known("hw:ephemeral_encryption_format", name, known)
    return name


def sound_model(flavor: Flavor, image: Image) -> str | None:
    """Return the model of the sound device, or None (``get_sound_model``).

    Raises
    ------
    BadServerSpec
        As Invalid for an unknown model; as FlavorImageConflict if they differ.
    """
    model = agreed_text(flavor, image, "sound_model")
    if model:
        check_known("hw:sound_model", model, _SOUND_MODELS)
    return model


def pci_numa_policy(flavor: Flavor, image: Image) -> str | None:
    """Return the NUMA policy of PCI devices (``get_pci_numa_policy_constraint``).

    Raises
    ------
    BadServerSpec
        As ImagePCINUMAPolicyForbidden if flavor and image differ; as
        InvalidPCINUMAAffinity for an unknown policy.
    """
    key = "hw:pci_numa_affinity_policy"
    of_flavor = extra_spec(flavor, key)
    of_image = text_property(image, "hw_pci_numa_affinity_policy")
    if of_flavor and of_image and of_flavor != of_image:
        raise BadServerSpec(
            f"Image property hw_pci_numa_affinity_policy must not override {key} of "
            f"the flavor, {of_flavor!r}, got {of_image!r}.",
            "ImagePCINUMAPolicyForbidden",
        )
    policy = of_flavor or of_image
    if policy:
        check_known(key, policy, _PCI_POLICIES, "InvalidPCINUMAAffinity")
    return policy or None


def persistent_memory_labels(flavor: Flavor) -> list[str]:
    """Return the labels that ``hw:pmem`` asks for, each as often (``get_vpmems``)."""
    labels = (extra_spec(flavor, "hw:pmem") or "").split(",")
    return [label.strip() for label in labels if label.strip()]
