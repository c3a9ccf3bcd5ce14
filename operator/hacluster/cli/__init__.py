"""The commands `hacluster` and `kubectl hacluster`, and the composition root of the operator."""
