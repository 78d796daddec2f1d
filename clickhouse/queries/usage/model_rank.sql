-- Orders model rows like (inference_id as a number, model_name, model_provider_name, input_tokens, output_tokens,
-- cached, cost, provider cache reads, writes), NULL least: max() finds the greatest row of an id. Without cache counts
-- nothing is added for them, so that such a row keeps its fingerprint.
concat(
    reverse(reinterpretAsFixedString(number)),                   -- 16 bytes, most significant first
    replaceAll(model_name, '\0', '\0\x01'),                      -- 00 00 ends a text and occurs in none
    '\0\0',
    replaceAll(model_provider_name, '\0', '\0\x01'),
    '\0\0',
    reverse(
        reinterpretAsFixedString(                                -- 16 bytes, most significant first
            bitOr(
                bitOr(
                    bitShiftLeft(toUInt128(ifNull(toUInt64(input_tokens) + 1, 0)), 95),   -- 33 bits, 0 is NULL
                    bitShiftLeft(toUInt128(ifNull(toUInt64(output_tokens) + 1, 0)), 62)   -- 33 bits, 0 is NULL
                ),
                toUInt128(
                    bitOr(
                        bitShiftLeft(toUInt64(cached), 61),
                        -- 61 bits, 0 is NULL: billionths of a dollar plus 10^18, which no Decimal(18, 9) reaches
                        ifNull(toUInt64(reinterpretAsInt64(cost) + 1000000000000000000), 0)
                    )
                )
            )
        )
    ),
    if(
        provider_cache_read_input_tokens IS NULL AND provider_cache_write_input_tokens IS NULL,
        '',
        reverse(
            reinterpretAsFixedString(                            -- 16 bytes, most significant first; 0 is NULL
                bitOr(
                    bitShiftLeft(toUInt128(ifNull(toUInt64(provider_cache_read_input_tokens) + 1, 0)), 33),
                    toUInt128(ifNull(toUInt64(provider_cache_write_input_tokens) + 1, 0))
                )
            )
        )
    )
)
