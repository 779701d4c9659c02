"""Where the agent's files are. What lies here runs in the project's interpreter and imports nothing of migci."""

from pathlib import Path

FOLDER = Path(__file__).parent
