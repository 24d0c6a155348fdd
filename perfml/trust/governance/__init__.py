"""The governance checklist: rules computed from the state of the system, each with its evidence and its remedy."""
