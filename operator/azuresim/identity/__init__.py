"""Entra ID and managed identities: who a caller is and what it may do."""
