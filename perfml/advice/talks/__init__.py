"""What a conversation is prepared with: facts, each with the rows it comes from. No probability, and no praise without a row."""
