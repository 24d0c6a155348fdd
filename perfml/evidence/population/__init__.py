"""For whom definitions hold: conditions on the position, and for how many people they are true."""
