"""What the order service declares."""

from tailorsecrets import define_config, define_secret_manager, env, generate

secrets = define_secret_manager(
    {
        "api-keys": {
            "stripe-secret-key": env("STRIPE_SECRET_KEY"),
            "sendgrid-api-key": env("SENDGRID_API_KEY"),
            "external-api-token": env("EXTERNAL_API_TOKEN"),
            "api-secret": env("API_SECRET"),
        },
        "webhooks": {"signing-key": generate(48)},
    }
)

config = define_config(
    name="orders",
    id="c2c6a6de-9a2f-4a43-8f4b-2b1f5a0d3c11",
    secrets=secrets,
    env={"external_url": "http://localhost:8700"},
)
