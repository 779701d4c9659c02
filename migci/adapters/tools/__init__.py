"""The migration tools, each driven by the agent in the project's own interpreter."""
