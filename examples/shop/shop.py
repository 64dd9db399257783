"""The shop at run time: it signs an order with its payment key, which it reads from the store."""

import hashlib
import hmac

from tailor_config import secrets


def sign(order: str) -> str:
    """Return the signature of *order*."""
    key = secrets.get("api-keys", "stripe-secret-key")
    if key is None:
        raise SystemExit("the shop has no payment key yet: run tailorsecrets apply")
    return hmac.new(key.encode(), order.encode(), hashlib.sha256).hexdigest()[:16]


def main() -> None:
    """Sign an order, and tell which other secrets are there."""
    print("order 1001 signed:", sign("order 1001"))
    mail, payment = secrets.get_all("api-keys", ["sendgrid-api-key", "stripe-secret-key"])
    print("mail:", "ready" if mail else "off", "- payment:", "ready" if payment else "off")


if __name__ == "__main__":
    main()
