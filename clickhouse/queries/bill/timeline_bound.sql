-- The times of `timeline.sql`, from the text of `timeline_as_text.sql`.
SELECT
    one.credential_id AS credential_id,
    one.public_id AS public_id,
    one.from_ms AS from_ms,
    one.alive_until_ms AS alive_until_ms,
    {{tag_columns}}
    true AS known
FROM (
    SELECT
        arrayJoin(
            CAST(
                {timeline:String},
                'Array(Tuple(credential_id String, public_id String, from_ms Int64, alive_until_ms Int64{{tag_types}}))'
            )
        ) AS one
)
