-- The time of an inference id in milliseconds, from its `number`: version 7 with the RFC's variant, and within the
-- years that a query can name; otherwise there is no time: -1. Every view uses this definition: it decides what is in a
-- period.
if(
    bitAnd(bitShiftRight(number, 76), 15) = 7
    AND bitAnd(bitShiftRight(number, 62), 3) = 2
    AND bitShiftRight(number, 80) < 253402300800000,                     -- 10000-01-01
    toInt64(bitShiftRight(number, 80)),
    -1
)
