"""What to do: who is on the list, sized to the people who can talk to them."""
