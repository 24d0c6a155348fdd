"""For whoever runs perfml: roles, tokens, runs of training, and what is put in force."""
