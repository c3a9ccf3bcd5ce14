"""Azure at the wire: ARM, Entra ID and what stands behind them, for any Azure client."""
