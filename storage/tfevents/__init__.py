"""TensorBoard's event files: followed as they grow, and what they say as records of ours."""
