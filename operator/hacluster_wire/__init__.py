"""Messages between operator and agent, and between agents; standard library only, Python 3.9.

Here belongs what two programs must agree on to the byte: the heartbeat datagram
and its replay rule, the keys and how they are derived, the signed documents
(configuration, orders, status) that travel through the cluster's store. What a message
*means* for a cluster belongs to the sender and the receiver; nothing here opens
a socket, reads a clock or knows a resource.

Every parser refuses what it does not fully understand, with `WireError`.
"""
