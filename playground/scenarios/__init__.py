"""Stories that the playground plays by itself, as people at their keyboards would."""
