-- Entries with their hours, days and months as asked for, in the zone that is asked for.
SELECT
    *,
    {{codes}}
FROM (
    SELECT
        *,
        toInt64(timeZoneOffset(fromUnixTimestamp64Milli(at_ms, {time_zone:String}))) AS offset_s
    FROM ({{rows}})
)
