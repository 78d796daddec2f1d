-- How many keys the gateway has, for the progress bar.
SELECT count(*)
FROM {{schema}}.tensorzero_auth_api_key
