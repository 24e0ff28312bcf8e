"""What a request may cost, whatever is in it: units are repeated n and 2n times in every text input."""
