"""A small network to try things on: short ways to write, read and remove its parts.

    lab.put("publicIPAddresses/ip", STANDARD_IP)
    lab.get("publicIPAddresses/ip")["properties"]["ipAddress"]

Paths are below the group's network provider; the location is filled in.
"""

from dataclasses import dataclass
from typing import Any

from tests.sim.simulator import Reply, Simulator

VERSION = "2025-05-01"
STANDARD = {"sku": {"name": "Standard"}}
STANDARD_IP = {**STANDARD, "properties": {"publicIPAllocationMethod": "Static"}}
NETWORK = {
    "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [
            {"name": "nodes", "properties": {"addressPrefix": "10.0.0.0/24"}},
            {"name": "tiny", "properties": {"addressPrefix": "10.0.1.0/29"}},
        ],
    },
}
SUBNET = "virtualNetworks/net/subnets/nodes"


@dataclass(frozen=True)
class Lab:
    """One resource group of a simulator."""

    sim: Simulator
    group: str

    def id(self, path: str) -> str:
        """Return the id of something in the group."""
        base = f"{self.sim.subscription}/resourceGroups/{self.group}"
        return f"{base}/providers/Microsoft.Network/{path}"

    def ref(self, path: str) -> dict[str, str]:
        """Return a reference to something in the group."""
        return {"id": self.id(path)}

    def send(self, verb: str, path: str, body: Any = None, version: str = VERSION) -> Reply:
        """Send one request as it is."""
        if verb == "PUT" and path.count("/") == 1:
            body = {"location": "eastus", **(body or {})}
        joint = "&" if "?" in path else "?"
        return self.sim.send(verb, f"{self.id(path)}{joint}api-version={version}", body)

    def put(self, path: str, body: Any = None, version: str = VERSION) -> dict[str, Any]:
        """Write something that must be accepted, and return what a GET shows of it."""
        reply = self.send("PUT", path, body, version)
        assert reply.status in {200, 201}, reply.body
        return self.get(path, version)

    def get(self, path: str, version: str = VERSION) -> dict[str, Any]:
        """Read something that must be there."""
        reply = self.send("GET", path, version=version)
        assert reply.status == 200, reply.body
        body: dict[str, Any] = reply.body
        return body

    def delete(self, path: str) -> None:
        """Remove something that must be removable."""
        reply = self.send("DELETE", path)
        assert reply.status in {200, 202}, reply.body
        assert self.send("GET", path).status == 404

    def refused(self, verb: str, path: str, body: Any = None, version: str = VERSION) -> str:
        """Send what must be refused with 400, and return the code."""
        reply = self.send(verb, path, body, version)
        assert reply.status == 400, reply.body
        return reply.code

    def interface(self, name: str, **properties: Any) -> dict[str, Any]:
        """Write an interface with one configuration in the subnet."""
        return self.put(f"networkInterfaces/{name}", self.interface_body(**properties))

    def interface_body(self, **properties: Any) -> dict[str, Any]:
        """Return the body of an interface with one configuration in the subnet."""
        inner = {"subnet": self.ref(SUBNET), **properties}
        return {"properties": {"ipConfigurations": [{"name": "ip", "properties": inner}]}}


def address_of(interface: dict[str, Any]) -> str:
    """Return the address of an interface's first configuration."""
    configuration = interface["properties"]["ipConfigurations"][0]
    return str(configuration["properties"]["privateIPAddress"])
