"""What columns, files and values are called in the exports of companies."""
