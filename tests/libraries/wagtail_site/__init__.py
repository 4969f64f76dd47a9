"""A site of Wagtail with pages, documents and images."""
