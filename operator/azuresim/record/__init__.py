"""Every exchange, so that tests and benchmarks can count calls."""
