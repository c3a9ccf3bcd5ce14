"""Rules about the balancer and the DNS name."""

from typing import TYPE_CHECKING, Final

from hacluster.model.base import Invariant
from hacluster.model.rules.changes import keeps

if TYPE_CHECKING:
    from hacluster.model.access import Access, BalancingRule, LoadBalancer, Probe, PublicIPAddress


def _is_one_address(address: "PublicIPAddress") -> bool:
    return address.name is None or address.existing is None


ONE_ADDRESS: Final = Invariant(
    message="what exists is used as it is: leave out existing, or name",
    holds=_is_one_address,
    cel="!has(self.existing) || !has(self.name)",
)


def _keeps_port(rule: "BalancingRule") -> bool:
    return not rule.floating_ip or rule.frontend_port == rule.backend_port


BALANCING_RULE: Final = (
    Invariant(
        message="floating IP hands packets over unchanged: write a backendPort equal to "
        "frontendPort, or floatingIP: false",
        holds=_keeps_port,
        cel="!self.floatingIP || self.frontendPort == self.backendPort",
        field="backendPort",
    ),
    Invariant(
        message="Azure cannot change floating IP on an existing rule: remove the rule, apply, and "
        "add it again",
        cel="self.floatingIP == oldSelf.floatingIP",
        field="floatingIP",
    ),
)


def _has_path(probe: "Probe") -> bool:
    return probe.protocol == "HTTP" or probe.path == "/"


PROBE_PATH: Final = Invariant(
    message="a TCP probe asks for no path: leave path out, or write protocol: HTTP",
    holds=_has_path,
    cel="self.protocol == 'HTTP' || self.path == '/'",
    field="path",
)


def _has_private_address(balancer: "LoadBalancer") -> bool:
    return (balancer.type == "Internal") == (balancer.frontend.private_ip_address is not None)


def _is_public_if_so(balancer: "LoadBalancer") -> bool:
    return balancer.type == "Public" or balancer.frontend.public_ip_address is None


LOAD_BALANCER: Final = (
    keeps(
        "type",
        "a balancer cannot change between Public and Internal: remove it, apply, and add the new "
        "one",
    ),
    Invariant(
        message="an Internal balancer needs frontend.privateIPAddress, a free address of the "
        "subnet; a Public one has none",
        holds=_has_private_address,
        cel="(self.type == 'Internal') == has(self.frontend.privateIPAddress)",
        field="frontend.privateIPAddress",
    ),
    Invariant(
        message="an Internal balancer has no public address: write type: Public, or leave "
        "publicIPAddress out",
        holds=_is_public_if_so,
        cel="self.type == 'Public' || !has(self.frontend.publicIPAddress)",
        field="frontend.publicIPAddress",
    ),
)


def _frontends_differ(rules: "tuple[BalancingRule, ...]") -> bool:
    return len({(rule.protocol, rule.frontend_port) for rule in rules}) == len(rules)


def _backends_differ(rules: "tuple[BalancingRule, ...]") -> bool:
    plain = [(rule.protocol, rule.backend_port) for rule in rules if not rule.floating_ip]
    return len(set(plain)) == len(plain)


def _rule_names_differ(rules: "tuple[BalancingRule, ...]") -> bool:
    names = [rule.name.lower() for rule in rules if rule.name]
    return len(set(names)) == len(names)


BALANCING_RULES: Final = (
    Invariant(
        message="two rules of one protocol cannot share a frontendPort: write another one",
        holds=_frontends_differ,
        cel=(
            "self.all(one, self.exists_one(other, other.protocol == one.protocol"
            " && other.frontendPort == one.frontendPort))"
        ),
    ),
    Invariant(
        message="two rules of one protocol cannot share a backendPort without floating IP: write "
        "another one",
        holds=_backends_differ,
        cel=(
            "self.all(one, one.floatingIP || self.exists_one(other, !other.floatingIP"
            " && other.protocol == one.protocol && other.backendPort == one.backendPort))"
        ),
    ),
    Invariant(
        message="two rules have one name: write a name of its own for each",
        holds=_rule_names_differ,
        cel=(
            "self.all(one, !has(one.name) || self.exists_one(other, has(other.name)"
            " && other.name.lowerAscii() == one.name.lowerAscii()))"
        ),
    ),
)


def _is_reachable(access: "Access") -> bool:
    return access.load_balancer is not None or access.dns is not None


REACHABLE: Final = Invariant(
    message="clients need a way in: write loadBalancer, or dns, or both",
    holds=_is_reachable,
    cel="has(self.loadBalancer) || has(self.dns)",
)
