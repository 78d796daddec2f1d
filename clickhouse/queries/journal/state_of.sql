-- What usage alone says of an inference; the first match wins.
CAST(
    multiIf(
        at_ms < 0, 'bad_id',
        in_batch, 'batch',
        NOT inference_rows, 'orphan',
        credential_id = '', 'unkeyed',
        'attributed'
    ),
    'Enum8(\'bad_id\' = 1, \'batch\', \'orphan\', \'unkeyed\', \'attributed\')'
)
