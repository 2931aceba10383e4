"""What TensorBoard's plugins keep, as records of ours: a file each."""
