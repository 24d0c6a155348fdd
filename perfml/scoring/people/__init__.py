"""Who is who at a date: names and units for readers who may see them, and which ids anybody has."""
