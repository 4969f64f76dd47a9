"""Task definitions: `@task`, its options, call signatures, and the registry of tasks."""
