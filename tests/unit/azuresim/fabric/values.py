"""Values of the data plane with everything filled in that a test does not care for."""

from typing import Any

from azuresim.fabric import ranges
from azuresim.fabric.wanted import Backend, Balance, Interface, Network, Probe

TWO = (Backend(address="10.0.0.10"), Backend(address="10.0.0.11"))


def probe(**more: Any) -> Probe:
    fields = {"protocol": "Tcp", "port": 8000, "path": "", "interval_s": 5.0, "threshold": 1}
    return Probe(**{"id": "probe", **fields, **more})


def balance(**more: Any) -> Balance:
    fields: dict[str, Any] = {
        "id": "rule", "front": "10.0.0.200", "public": False, "protocols": ("tcp",),
        "port": 80, "back_port": 8080, "backends": TWO, "probe": probe(),
    }  # fmt: skip
    return Balance(**{**fields, **more})


def interface(address: str = "10.0.0.10", **more: Any) -> Interface:
    fields: dict[str, Any] = {
        "id": f"nic-{address}", "network": "net", "device": f"cable-{address[-2:]}",
        "mac": "00:0d:3a:00:00:01", "addresses": (address,), "length": 24, "gateway": "10.0.0.1",
    }  # fmt: skip
    return Interface(**{**fields, **more})


def network(**more: Any) -> Network:
    fields: dict[str, Any] = {
        "id": "net", "namespace": "az0000-net", "device": "az0000d0",
        "space": ranges.addresses(["10.0.0.0/16"]), "client": None, "client_namespace": "c",
    }  # fmt: skip
    return Network(**{**fields, **more})
