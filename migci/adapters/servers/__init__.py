"""The database servers, each able to run privately in a folder and to leave nothing behind."""
