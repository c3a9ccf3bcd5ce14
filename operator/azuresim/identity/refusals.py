"""How Entra ID says no: an OAuth error and an AADSTS number, in a shape of its own."""

import uuid
from datetime import UTC, datetime

from azuresim.wire.answer import Answer


class EntraRefusedError(Exception):
    """A refusal in Entra's words: for example `invalid_client` and 7000215."""

    def __init__(self, status: int, error: str, number: int, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.number, self.message = status, error, number, message


def refusal(refused: EntraRefusedError) -> Answer:
    """Return the reply a refusal stands for."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    text = (
        f"AADSTS{refused.number}: {refused.message} Trace ID: {trace} "
        f"Correlation ID: {correlation} Timestamp: {stamp}"
    )
    body = {
        "error": refused.error,
        "error_description": text,
        "error_codes": [refused.number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
    }
    return Answer(status=refused.status, body=body)
