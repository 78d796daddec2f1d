"""Files of prices: a CSV or TOML of ours, or LiteLLM's public map. Pure, but for reading the file."""
