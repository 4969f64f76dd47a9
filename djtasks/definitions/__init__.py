"""What a developer writes: `@task`, its options, its signature; and where tasks are looked up."""
