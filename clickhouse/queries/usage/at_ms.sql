-- The instant of an inference id in milliseconds, from its `number`: version 7 with the RFC's variant, and within the years
-- that a question can name, else there is no instant: -1. Every view takes it from here: it decides what a period holds.
if(
    bitAnd(bitShiftRight(number, 76), 15) = 7
    AND bitAnd(bitShiftRight(number, 62), 3) = 2
    AND bitShiftRight(number, 80) < 253402300800000,                     -- 10000-01-01
    toInt64(bitShiftRight(number, 80)),
    -1
)
