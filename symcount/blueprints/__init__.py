"""The default registry, and the package of the seed blueprints."""
