"""The price book: what a model row costs a customer, from when to when. Its events, state and decisions are pure."""
