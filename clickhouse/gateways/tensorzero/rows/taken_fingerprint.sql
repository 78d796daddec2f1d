-- The fingerprint of a row of usage_row_v1 by what it holds, as it was made of the gateway's row.
multiIf(
    kind = 'model',
    -- Of the id as a UUID, which has its halves the other way round in memory.
    reinterpretAsUInt128(
        sipHash128(
            concat(reinterpretAsFixedString(bitOr(bitShiftLeft(id, 64), bitShiftRight(id, 64))), {{model_rank}})
        )
    ),
    kind = 'inference' AND credential_id = tags['tensorzero::api_key_public_id'],
    reinterpretAsUInt128(sipHash128(concat(reinterpretAsFixedString(number), {{inference_rank}}))),
    kind = 'batch',
    reinterpretAsUInt128(sipHash128(concat('batch', reinterpretAsFixedString(number)))),
    toUInt128(0)                                        -- a key that its tags do not name
)
