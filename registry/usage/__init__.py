"""What the log holds of usage: anchors of the journal, appended by the registry itself."""
