"""The loop: one pass from observation to status, over ports, without knowing any library."""
