"""Which addresses belong to the public internet. Asked before a request goes out, and of the answer's own address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

#: IPv6 addresses that stand for an IPv4 address in their last 32 bits (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


def is_private(address: str) -> bool:
    """Whether an IP address is not of the public internet, also in IPv6 forms that wrap an IPv4 address."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        ip = wrapped or ip
    return not ip.is_global or ip.is_multicast
