-- The 16 bytes of a UUID, most significant first, in its usual form.
concat(
    substring(lower(hex({{column}})), 1, 8), '-',
    substring(lower(hex({{column}})), 9, 4), '-',
    substring(lower(hex({{column}})), 13, 4), '-',
    substring(lower(hex({{column}})), 17, 4), '-',
    substring(lower(hex({{column}})), 21, 12)
)
