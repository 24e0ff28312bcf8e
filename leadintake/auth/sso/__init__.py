"""Single sign-on through the firm's OpenID Connect provider."""
