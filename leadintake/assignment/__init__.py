"""Floor 3: who gets the next lead, and the recorded reason."""
