-- How many rows were taken that no batch has taken up.
SELECT count()
FROM {{journal}}.usage_row_v1
WHERE take > {take_to:UInt64}
    OR (take > {take_from:UInt64} AND number > {until_number:UInt128})
