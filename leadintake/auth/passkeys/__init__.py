"""Passkeys (WebAuthn): challenges, ceremonies, credentials and routes."""
