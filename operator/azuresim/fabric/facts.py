"""What the data plane does, on whose word, and what it leaves out: for the coverage table."""

from typing import Final

from azuresim.resources.contract import Fact, Source

FACTS: Final = (
    Fact("a security group's first rule that fits decides; default rules come last",
         Source.DOCUMENT),
    Fact("groups of subnet and interface must both allow; flows let in once stay", Source.DOCUMENT),
    Fact("tags VirtualNetwork, Internet, AzureLoadBalancer, Storage, AzureCloud", Source.DOCUMENT),
    Fact("a rule about any other tag fits nothing", Source.ASSUMED),
    Fact("with floating IP a group judges the packet with the front end's address", Source.ASSUMED),
    Fact("without a group an interface is closed to its public addresses", Source.DOCUMENT),
    Fact("168.63.129.16 and 169.254.169.254 are not for groups to forbid", Source.DOCUMENT),
    Fact("probes come from 168.63.129.16; pages must answer 200; certificates are not looked at",
         Source.DOCUMENT),
    Fact("probeThreshold equal answers change a verdict, both ways; a new backend is down",
         Source.DOCUMENT),
    Fact("an answer may take the interval, of HTTP 30 s at most; refused is as bad as late",
         Source.DOCUMENT),
    Fact("flows go by a hash of 5, 3 or 2 facts to a healthy backend and stay there",
         Source.DOCUMENT),
    Fact("no healthy backend: new flows are lost, established ones go on", Source.DOCUMENT),
    Fact("a flow that its balancer leads back to where it came from is lost", Source.DOCUMENT),
    Fact("idle flows are forgotten, in real minutes; with TCP reset both ends are told",
         Source.DOCUMENT),
    Fact("strays of forgotten flows are lost", Source.DOCUMENT),
    Fact("the way out: NAT gateway, else own address, else balancer, else default, else none",
         Source.DOCUMENT),
    Fact("default outbound addresses are of 100.96.0.0/11, one per network", Source.ASSUMED),
    Fact("private addresses outside the network, and gateways, are silent", Source.DOCUMENT),
)  # fmt: skip

MISSING: Final = (
    "IPv6", "peerings", "route tables", "application security groups", "service endpoints",
    "port limits of outbound rules", "UDP flows that move when a probe fails",
    "secondary addresses inside guests",
)  # fmt: skip
