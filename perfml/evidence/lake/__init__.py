"""Tables that lie in a lake: folders of Parquet files parted by date, on disk or object storage, Iceberg and Delta. Read only."""
