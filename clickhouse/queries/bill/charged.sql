,
        -- Once for each inference and price: on its first row that is not cached. Of an inference of several models or
        -- providers, whose rows can have several prices, each row is a part of its own.
        if(
            x.mixed_number = 0,
            toInt256(x.of_charge),
            toInt256(
                x.bought_rows > 0
                AND x.mixed_id = min(if(x.bought_rows > 0, x.mixed_id, toUInt128(-1))) OVER (
                    PARTITION BY
                        x.mixed_number,
                        price.price_id
                )
            )
        ) AS charged
