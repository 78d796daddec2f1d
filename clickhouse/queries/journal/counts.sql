-- The entries that count as of a batch.
e.batch <= {batch:UInt64}
    AND e.batch NOT IN {given_up:Array(UInt64)}
