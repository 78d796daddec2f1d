"""From events to the ledger's tables: feeds, the projector, dead letters and alarms."""
