"""What keeps a dataset's confidential values out of everything that leaves a replay."""
