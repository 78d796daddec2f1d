"""Log-ins of people at an OpenID Connect provider: the authorization code flow with PKCE, by Authlib."""
