"""What a server answers from: model, roster and schemas, swapped atomically."""
