"""Messages at the door: who is asking, whom it is for, and what leaves again."""
