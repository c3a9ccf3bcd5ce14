"""Records in Azure's DNS that say which node is active: put, withdraw, compare."""
