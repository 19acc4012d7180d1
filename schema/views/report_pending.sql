-- Since when the reports by hour and day are being worked out anew for another calendar or
-- other settings; no row: they are up to date. See internal/rollup, pending.go.
CREATE OR REPLACE VIEW report_pending AS
SELECT maxIf(updated_at, name != 'reports') AS since
FROM progress FINAL
WHERE name IN ('report calendar', 'report settings', 'reports')
HAVING count() > 0
    AND anyIf(position, name = 'reports') != concat(anyIf(position, name = 'report calendar'), ' ', anyIf(position, name = 'report settings'))
