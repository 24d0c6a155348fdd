"""Who is withheld from kept files by the holds of now, what is shown of them instead, and what was so before."""
