-- A number in text with its exponent worked out, digit by digit, so that no engine rounds it: 1.25e-3 becomes 0.00125.
-- Any other text stays as it is.
if(
    match({{number}}, '^-?(0|[1-9][0-9]{0,99})([.][0-9]{1,99})?[eE][+-]?[0-9]{1,2}$'),
    arrayMap(
        (digits, point) -> concat(
            if(startsWith({{number}}, '-'), '-', ''),
            replaceRegexpOne(
                if(point > 0, rightPad(left(digits, point), toUInt64(point), '0'), '0'),
                '^0+([0-9])',                                          -- 0.5e1: the whole part is 05
                '\\1'
            ),
            if(
                length(digits) > point,
                concat('.', repeat('0', toUInt64(greatest(-point, 0))), substring(digits, greatest(point, 0) + 1)),
                ''
            )
        ),
        [replaceRegexpAll(extract(assumeNotNull({{number}}), '^-?([0-9.]+)'), '[.]', '')],
        [
            toInt64(length(extract(assumeNotNull({{number}}), '^-?([0-9]+)')))
            + toInt64OrZero(extract(assumeNotNull({{number}}), '[eE]([+-]?[0-9]+)$'))
        ]
    )[1],
    {{number}}
)
