"""The live path, bedside side: one message a second, straight to the service or over a broker."""
