number >= {since_number:UInt128}
    AND number <= {until_number:UInt128}
    AND take <= {take_to:UInt64}
    AND (
        {take_from:UInt64} = 0                          -- then all are new
        OR number IN (
            SELECT number
            FROM {{journal}}.usage_row_v1
            WHERE take > {take_from:UInt64}
                AND take <= {take_to:UInt64}
                AND number >= {since_number:UInt128}
                AND number <= {until_number:UInt128}
        )
    )
