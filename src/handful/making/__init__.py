"""New data on disk: enlarged data sets, and generated examples with what they are worth."""
