"""How answers are shown: tables, JSON, progress and warnings."""
