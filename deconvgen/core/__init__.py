"""What every file may import: vocabulary, errors, registries, images, terminal."""
