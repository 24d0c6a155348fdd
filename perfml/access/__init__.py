"""Who may do what, about whom, on which day and for what purpose; and the secrets by which people show who they are."""
