"""What operators see, and are told: with real faults."""
