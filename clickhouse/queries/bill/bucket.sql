-- The first match wins; the order is part of what a bill means.
CAST(
    multiIf(
        u.state != 'attributed', toInt8(u.state),
        NOT t.known, 5,
        NOT ({{alive}}), 6,
        7
    ),
    '{{buckets}}'
)
