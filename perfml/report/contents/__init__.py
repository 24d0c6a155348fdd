"""What each part of the report's page shows, as facts: one module a part; the templates put them into words."""
