-- The release of the time zone database that the engine was built with: its offsets decide hours, days and months.
SELECT value
FROM system.build_options
WHERE name = 'TZDATA_VERSION'
