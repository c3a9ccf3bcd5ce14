"""What Prometheus can ask of the operator."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from hacluster.arm.caller import Call

PASS_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The operator's own numbers, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.arm_calls = Counter(
            "hacluster_arm_calls",
            "Requests to Azure Resource Manager; code is 0 where no answer came",
            ["method", "provider", "code"],
            registry=self.registry,
        )
        self.arm_seconds = Histogram(
            "hacluster_arm_call_seconds",
            "How long Azure Resource Manager took to answer",
            ["method"],
            registry=self.registry,
        )
        self.passes = Counter(
            "hacluster_passes",
            "Passes, by how they ended",
            ["result"],
            registry=self.registry,
        )
        self.pass_seconds = Histogram(
            "hacluster_pass_seconds",
            "How long a pass took",
            buckets=PASS_BUCKETS,
            registry=self.registry,
        )
        self.steps = Counter(
            "hacluster_steps",
            "Steps sent to Azure, by verb and outcome",
            ["verb", "outcome"],
            registry=self.registry,
        )
        self.clusters = Gauge(
            "hacluster_clusters",
            "Objects that this replica keeps",
            registry=self.registry,
        )
        self.leads = Gauge(
            "hacluster_leader",
            "Whether this replica holds the lease and writes",
            registry=self.registry,
        )

    def arm_call(self, call: Call, status: int, seconds: float) -> None:
        """Count a call; see `arm.caller.Meter`."""
        provider = call.provider or "microsoft.resources"
        self.arm_calls.labels(call.method, provider, str(status)).inc()
        self.arm_seconds.labels(call.method).observe(seconds)

    def passed(self, result: str, seconds: float) -> None:
        """Count a pass; see `reconcile.ports.Counters`."""
        self.passes.labels(result).inc()
        self.pass_seconds.observe(seconds)

    def step(self, verb: str, outcome: str) -> None:
        """Count a step; see `reconcile.ports.Counters`."""
        self.steps.labels(verb, outcome).inc()
