"""The witness's back ends: a record that changes by compare-and-set, and nothing else.

Two of them, one promise (`Register`). Who may be active is decided by the state machine;
here is only the exchange, and three outcomes that must never be confused: it was done, it
was surely not done, and *nobody knows*.
"""
