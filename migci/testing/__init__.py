"""For a project's own tests: a pytest plugin with throwaway databases, and tests that every history should pass."""
