"""What one pass tells: the status, events, and its lines in the log."""

import logging
from functools import cached_property
from typing import Any

from hacluster.errors import HAClusterError
from hacluster.model import kinds
from hacluster.model.ids import ArmId
from hacluster.model.status import ClusterStatus
from hacluster.reconcile.memory import Memory
from hacluster.reconcile.merging import merge_patch
from hacluster.reconcile.passed import StepTrouble
from hacluster.reconcile.ports import Kubernetes, Raw
from hacluster.reconcile.summarize import sentence
from hacluster.reconcile.transitions import transitions

logger = logging.getLogger(__name__)


class Report:
    """The voice of one pass over one object."""

    def __init__(self, kubernetes: Kubernetes, raw: Raw, memory: Memory) -> None:
        self._kubernetes = kubernetes
        self._raw = raw
        self._memory = memory

    @cached_property
    def previous(self) -> ClusterStatus:
        """The status as it was when the pass began; a pass at rest never asks."""
        return ClusterStatus.model_validate(self._memory.status(self._raw))

    @property
    def version(self) -> int:
        """The newest version of the object that is known here."""
        return self._memory.version(self._raw)

    @property
    def requested_at(self) -> str | None:
        """The annotation that asks for a pass."""
        return self._raw.annotations.get(kinds.REQUESTED_AT)

    @property
    def is_asked(self) -> bool:
        """Whether that annotation asks for a pass that was not done yet."""
        answered = self._memory.status(self._raw).get("lastHandledReconcileAt")
        return self.requested_at not in (None, answered)

    @property
    def inventory(self) -> tuple[str, ...]:
        """What the status says that we made."""
        return tuple(item.id for item in self.previous.inventory)

    @property
    def troubles(self) -> tuple[StepTrouble, ...]:
        """What Azure has refused and was not seen to succeed since."""
        return tuple(StepTrouble(id=one.id, error=one.error) for one in self._memory.patience.all())

    async def write(self, status: ClusterStatus) -> None:
        """Patch the status if it is different, and tell what has turned.

        Raises:
            KubernetesError: the API server does not answer.
        """
        before = self._memory.status(self._raw)
        after = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        if patch := merge_patch(before, after):
            written = await self._kubernetes.patch_status(self._raw, patch)
            if written is not None:
                self._memory.wrote(written)
        self._sentence(status)
        for turned in transitions(before, status):
            await self._kubernetes.event(self._raw, turned.kind, turned.reason, turned.message)

    def failure(self, resource: ArmId, error: HAClusterError) -> None:
        """Log that a step has failed."""
        more = {
            "resource_id": resource,
            "reason": str(error.reason),
            "because": str(error),
            "request_id": getattr(error, "request_id", ""),
        }
        logger.warning("Failed step", extra=self.fields(**more))

    def fields(self, **more: Any) -> dict[str, Any]:
        """Return the fields that every line about this pass has."""
        return {
            "cluster": f"{self._raw.namespace}/{self._raw.name}",
            "uid": self._raw.uid,
            "generation": self._raw.generation,
            "pass_id": f"{id(self):x}",
            **more,
        }

    def _sentence(self, status: ClusterStatus) -> None:
        told = sentence(status)
        if told != self._memory.told:
            self._memory.told = told
            logger.info("Passed over cluster", extra=self.fields(state=told))
