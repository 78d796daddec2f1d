-- Orders inference rows like (function_name, tags sorted by name), and encodes both: the greatest row of an id wins,
-- and strings compare fast where tuples with maps do not. A NUL inside a text is written 00 01, so 00 00 ends a text
-- and occurs in none. A tag is 01 name 00 00 02 value 00 00.
concat(
    replaceAll(function_name, '\0', '\0\x01'),
    '\0\0',
    arrayStringConcat(
        arrayMap(
            (name, value) -> concat(
                '\x01', replaceAll(name, '\0', '\0\x01'), '\0\0',
                '\x02', replaceAll(value, '\0', '\0\x01'), '\0\0'
            ),
            mapKeys(mapSort(tags) AS sorted),
            mapValues(sorted)
        )
    )
)
