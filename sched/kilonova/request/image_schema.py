"""The properties of an image that Nova knows, and the type of each.

Same properties as ``ImageMetaProps`` in Nova's ``objects/image_meta.py``.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BOOLEANS = _words(
    """
    hw_boot_menu hw_ephemeral_encryption hw_firmware_stateless hw_ipxe_boot
    hw_locked_memory hw_mem_encryption hw_pmu hw_qemu_guest_agent hw_time_hpet
    hw_vif_multiqueue_enabled hw_virtio_packed_ring img_bdm_v2 img_bittorrent
    img_cache_in_nova img_hide_hypervisor_id img_linked_clone img_use_agent
    os_require_quiesce os_skip_agent_inject_files_at_boot os_skip_agent_inject_ssh
    """
)

WHOLE_NUMBERS = _words(
    """
    hw_cpu_cores hw_cpu_max_cores hw_cpu_max_sockets hw_cpu_max_threads hw_cpu_sockets
    hw_cpu_threads hw_device_id hw_maxphysaddr_bits hw_numa_nodes
    hw_redirected_usb_ports hw_serial_port_count hw_video_ram img_compression_level
    img_version
    """
)

TEXTS = _words(
    """
    hw_auto_disk_config hw_cpu_realtime_mask hw_disk_type
    hw_ephemeral_encryption_secret_uuid hw_machine_type hw_mem_page_size
    img_hv_requested_version img_owner_id img_root_device_name img_signature
    img_signature_certificate_uuid os_admin_user os_command_line os_distro
    """
)

_ARCHITECTURES = """
    alpha armv6 armv7l armv7b aarch64 cris i686 ia64 lm32 m68k microblaze microblazeel
    mips mipsel mips64 mips64el openrisc parisc parisc64 ppc ppcle ppc64 ppc64le ppcemb
    s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb
"""
_BUSES = "fdc ide sata scsi usb virtio xen lxc uml"

CHOICES = {
    name: tuple(values.split())
    for name, values in {
        "hw_architecture": _ARCHITECTURES,
        "hw_cdrom_bus": _BUSES,
        "hw_cpu_policy": "dedicated shared mixed",
        "hw_cpu_thread_policy": "prefer isolate require",
        "hw_disk_bus": _BUSES,
        "hw_emulation_architecture": _ARCHITECTURES,
        "hw_ephemeral_encryption_format": "plain luks luksv2",
        "hw_firmware_type": "uefi bios",
        "hw_floppy_bus": _BUSES,
        "hw_input_bus": "usb virtio",
        "hw_maxphysaddr_mode": "passthrough emulate",
        "hw_mem_encryption_model": "amd-sev amd-sev-es amd-sev-snp intel-tdx",
        "hw_pci_numa_affinity_policy": "required legacy preferred socket",
        "hw_pointer_model": "usbtablet",
        "hw_rescue_bus": _BUSES,
        "hw_rescue_device": "cdrom disk floppy fs lun",
        "hw_rng_model": "virtio",
        "hw_scsi_model": """
            buslogic ibmvscsi lsilogic lsisas1068 lsisas1078 virtio-scsi vmpvscsi""",
        "hw_sound_model": "sb16 es1370 pcspk ac97 ich6 ich9 usb virtio",
        "hw_tpm_model": "tpm-tis tpm-crb",
        "hw_tpm_version": "1.2 2.0",
        "hw_usb_model": "none nec-xhci qemu-xhci",
        "hw_video_model": "cirrus qxl vga vmvga xen virtio gop none bochs",
        "hw_vif_model": """
            virtio ne2k_pci pcnet rtl8139 e1000 e1000e netfront spapr-vlan lan9118
            sriov vmxnet vmxnet3 igb""",
        "hw_viommu_model": "intel smmuv3 virtio auto",
        "hw_vm_mode": "hvm xen uml exe",
        "hw_watchdog_action": "none pause poweroff reset disabled",
        "img_config_drive": "optional mandatory",
        "img_hv_type": """
            baremetal bhyve docker fake hyperv ironic kqemu kvm lxc lxd openvz parallels
            phyp qemu test uml vbox vz vmware xen zvm prsm""",
        "os_secure_boot": "required disabled optional",
        "os_type": "linux windows",
    }.items()
}

# What is read in any case, and other words for the same.
ALIASES = {
    "hw_architecture": {
        "amd64": "x86_64",
        "i386": "i686",
        "i486": "i686",
        "i586": "i686",
        "x86_32": "i686",
        "x86_32p": "i686",
    },
    "hw_vm_mode": {"pv": "xen", "hv": "hvm", "baremetal": "hvm"},
    "img_hv_type": {"xapi": "xen"},
    "os_type": {},
}
ALIASES["hw_emulation_architecture"] = ALIASES["hw_architecture"]

OLD_NAMES = {
    "architecture": "hw_architecture",
    "auto_disk_config": "hw_auto_disk_config",
    "bdm_v2": "img_bdm_v2",
    "bittorrent": "img_bittorrent",
    "cache_in_nova": "img_cache_in_nova",
    "hypervisor_type": "img_hv_type",
    "hypervisor_version_requires": "img_hv_requested_version",
    "ipxe_boot": "hw_ipxe_boot",
    "owner_id": "img_owner_id",
    "root_device_name": "img_root_device_name",
    "vm_mode": "hw_vm_mode",
    "vmware_disktype": "hw_disk_type",
    "vmware_image_version": "img_version",
    "vmware_linked_clone": "img_linked_clone",
    "vmware_ostype": "os_distro",
    "xenapi_device_id": "hw_device_id",
    "xenapi_image_compression_level": "img_compression_level",
    "xenapi_skip_agent_inject_files_at_boot": "os_skip_agent_inject_files_at_boot",
    "xenapi_skip_agent_inject_ssh": "os_skip_agent_inject_ssh",
    "xenapi_use_agent": "img_use_agent",
}
