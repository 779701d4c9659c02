"""What leaves a replay passes here: confidential values, secrets and the literals of statements are removed."""
