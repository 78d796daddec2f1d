-- The credentials of which something that decides a bill changes within the period, or their keys.
SELECT {{of}}
FROM ({{steady}})
WHERE moving
