-- The day of an entry as days since 1970 (UTC); -1: its id names no instant.
toInt32(if(e.at_ms < 0, -1, intDiv(e.at_ms, 86400000)))
