"""Distribution of leads: ownership, handover, workload and alerts."""
