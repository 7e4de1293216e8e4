"""Weighers of hosts: one small file each, and the register that knows them."""
