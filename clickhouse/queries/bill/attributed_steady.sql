-- As attributed.sql, for where little changes within the period: where nothing of a credential does, its entries need no
-- look-up by their instants, and may be sums.
SELECT
    {{columns}},
    {{tag_names}}
    {{bucket}} AS bucket
FROM ({{rows}}) AS u
ANY LEFT JOIN ({{steady}}) AS t ON t.credential_id = u.credential_id
{{but_moving}}