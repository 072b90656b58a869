"""Response headers: nothing loads from elsewhere, no inline script, no frame around the console."""

from __future__ import annotations

from flask import Flask
from flask_talisman import Talisman
from werkzeug.middleware.proxy_fix import ProxyFix

from appliance.config import Settings

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    # wavesurfer.js writes a <style> into its shadow root: it carries this nonce.
    "style-src": "'self'",
    # data: Tabler draws arrows and ticks so.
    "img-src": "'self' data:",
    "media-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def init_headers(app: Flask, settings: Settings) -> None:
    """Put the headers on every response of the app, and the flags on its cookie."""
    if settings.console_https and settings.console_host in _LOOPBACK:
        # Only a proxy of this machine can reach us: it says who asks, and that the outside is HTTPS.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    Talisman(
        app,
        # Whoever ends TLS redirects; here a redirect would also catch `/healthz` on the loopback address.
        force_https=False,
        strict_transport_security=settings.console_https,
        strict_transport_security_include_subdomains=False,
        session_cookie_secure=settings.console_https,
        content_security_policy=CONTENT_SECURITY_POLICY,
        content_security_policy_nonce_in=["style-src"],
        frame_options="DENY",
        referrer_policy="same-origin",
        permissions_policy={"camera": "()", "geolocation": "()", "microphone": "()"},
    )
    app.config.update(
        SESSION_COOKIE_NAME="gateway400",
        SESSION_COOKIE_SECURE=settings.console_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
