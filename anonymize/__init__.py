"""anonymize turns a production database into one that may be shared. It stands alone and imports nothing of migci."""
