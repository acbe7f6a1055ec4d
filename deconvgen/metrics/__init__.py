"""What images are worth: sums on the devices, figures on the host."""
