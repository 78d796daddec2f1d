-- A float as the decimal that it is exactly. One that is none of at most nine digits behind the point, as 0.1, which is
-- a little more than a tenth, becomes a text that is no number: rounding is the writer's to do.
if(
    abs({{column}}) < 1000000000000 AND {{column}} * 512 = trunc({{column}} * 512),            -- 10^9 = 2^9 * 5^9
    toString(toDecimal256(toInt128(toFloat64({{column}}) * 512), 0) * toDecimal256('0.001953125', 9)),
    concat(toString({{column}}), ' as a float')
)
