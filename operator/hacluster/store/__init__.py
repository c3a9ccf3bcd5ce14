"""The meeting place of the cluster in blob storage: the only importer of `azure.storage`."""
