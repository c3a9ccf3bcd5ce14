"""Rules of the spec that types and bounds cannot say, one module per part of it.

Each rule is an `Invariant`: CEL for the API server and a predicate for everybody else, with one
message that says what to write instead. The nouns carry them; nothing else imports this package.
A predicate sees a value whose types and bounds already hold.
"""
