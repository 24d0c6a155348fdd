"""What a programme changed: where chance chose people, where departments began one after another, and association elsewhere."""
