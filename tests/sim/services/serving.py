"""`azuresim` with the metadata service of one network on the loopback.

    python -m tests.sim.services.serving serve ...

takes what `azuresim` takes. Whoever asks there is taken for the machine whose id stands in the
file `asked-by` of the directory, and the line that says where all is has `metadata` besides. The
control socket takes `places.set`, with the namespaces that a fabric would name.
"""

from collections.abc import Mapping
from typing import Any

from azuresim import serving
from azuresim.cli import main
from azuresim.fabric.metadata import MetadataServer
from azuresim.fabric.sockets import Place
from azuresim.faults import control
from azuresim.simulator import Simulator

ASKED_BY = "asked-by"


class WithMetadata(Simulator):
    """A simulator that tells machines about themselves without a network."""

    async def start(self) -> dict[str, str]:
        ready = await super().start()
        asked_by = self._options.directory / ASKED_BY
        server = MetadataServer(
            self.services.metadata,
            "net",
            lambda _network, _address: asked_by.read_text() if asked_by.exists() else "",
        )
        port = await server.open(Place(namespace="", address="127.0.0.1", port=0))
        return {**ready, "metadata": f"http://127.0.0.1:{port}"}

    def _commands(self) -> Mapping[str, control.Command]:
        return {**super()._commands(), "places.set": self._set_places}

    def _set_places(self, wish: Mapping[str, Any]) -> None:
        self.services.refresh(wish["networks"], wish["internet"])


if __name__ == "__main__":
    serving.Simulator = WithMetadata  # type: ignore[attr-defined] # what the command line starts
    main()
