"""HTTPS and ARM's manners: routing, api-versions, body checks, operations, ETags, errors.

A request goes through `server` (bytes), `pipeline` (who, what, faults, record) and
one of `reads`, `writes`, `deletes`; what holds for every type is decided here,
what holds for one is read from its description in `resources`.
"""
