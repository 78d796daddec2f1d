"""What finance takes away: months, CSV, comparisons and charts."""
