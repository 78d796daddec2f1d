-- How many credentials there are, and of how many something changes within the period; and which, unless they are many.
SELECT
    count() AS credentials,
    countIf(s.moving) AS moving_credentials,
    groupArrayIf({{more_than_few}})(s.credential_id, s.moving) AS credential_ids,
    groupArrayIf({{more_than_few}})(s.public_id, s.moving) AS public_ids
FROM ({{steady}}) AS s
