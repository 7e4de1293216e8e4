"""Encrypted memory: which model a server asks for, and what that asks of its image."""

from dataclasses import dataclass

from kilonova.errors import BadServerSpec
from kilonova.request.flavor import Flavor
from kilonova.request.guest_features import stateless_firmware
from kilonova.request.image import Image
from kilonova.request.settings import (
    agreed_boolean,
    conflict,
    extra_spec,
    text_property,
)


@dataclass(frozen=True, slots=True)
class EncryptionModel:
    """One way of encrypting memory.

    Attributes
    ----------
    name
        As in ``hw:mem_encryption_model``.
    trait
        That the provider must have.
    needs_stateless_firmware, needs_no_video
        What the image must say.
    """

    name: str
    trait: str
    needs_stateless_firmware: bool = False
    needs_no_video: bool = False


_MODELS = {
    model.name: model
    for model in (
        EncryptionModel("amd-sev", "HW_CPU_X86_AMD_SEV"),
        EncryptionModel("amd-sev-es", "HW_CPU_X86_AMD_SEV_ES"),
        EncryptionModel("amd-sev-snp", "HW_CPU_X86_AMD_SEV_SNP", True),
        EncryptionModel("intel-tdx", "HW_CPU_X86_INTEL_TDX", True, True),
    )
}


def memory_encryption(flavor: Flavor, image: Image) -> EncryptionModel | None:
    """Return the model asked for, or None.

    Raises
    ------
    BadServerSpec
        As FlavorImageConflict if flavor and image differ or the firmware is not UEFI;
        as InvalidMachineType, StatelessFirmwareRequired or InvalidVideoMode if the
        image does not suit the model; as Invalid for an unknown model.

    Notes
    -----
    Same answer as ``get_mem_encryption_constraint`` in Nova's ``virt/hardware.py``.
    """
    if not agreed_boolean(flavor, image, "mem_encryption"):
        return None
    key = "hw:mem_encryption_model"
    of_flavor = extra_spec(flavor, key)
    of_image = text_property(image, "hw_mem_encryption_model")
    if None not in (of_flavor, of_image) and of_flavor != of_image:
        raise conflict(key, of_flavor, of_image)
    name = of_image or of_flavor or "amd-sev"
    if name not in _MODELS:
        raise BadServerSpec(f"{key} must be one of {tuple(_MODELS)}, got {name!r}.")
    model = _MODELS[name]
    _check_image(model, image)
    return model


def _check_image(model: EncryptionModel, image: Image) -> None:
    firmware = text_property(image, "hw_firmware_type")
    if firmware != "uefi":
        raise _needs(model, "hw_firmware_type", "'uefi'", firmware)
    machine = text_property(image, "hw_machine_type")
    if machine is not None and "q35" not in machine:
        error = "InvalidMachineType"
        raise _needs(model, "hw_machine_type", "a q35 machine", machine, error)
    if model.needs_stateless_firmware and not stateless_firmware(image):
        stateless = image.properties.get("hw_firmware_stateless")
        error = "StatelessFirmwareRequired"
        raise _needs(model, "hw_firmware_stateless", "true", stateless, error)
    video = text_property(image, "hw_video_model")
    if model.needs_no_video and video != "none":
        raise _needs(model, "hw_video_model", "'none'", video, "InvalidVideoMode")


def _needs(
    model: EncryptionModel,
    name: str,
    right: str,
    got: object,
    nova: str = "FlavorImageConflict",
) -> BadServerSpec:
    return BadServerSpec(
        f"Image property {name} must be {right} for hw:mem_encryption "
        f"({model.name}), got {got!r}.",
        nova,
    )
