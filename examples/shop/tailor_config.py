"""What the shop declares: its vaults, its secrets, and where their values come from."""

from tailorsecrets import define_config, define_secret_manager, env, generate

secrets = define_secret_manager(
    {
        "api-keys": {
            "stripe-secret-key": env("STRIPE_SECRET_KEY"),
            "sendgrid-api-key": env("SENDGRID_API_KEY"),
        },
        "database": {
            "analytics-connection-string": env("ANALYTICS_DB_URL"),
        },
        "sessions": {
            "signing-key": generate(48),
        },
    }
)

config = define_config(name="shop", id="5b0e8e0f-4f0e-4a0c-8d55-0a7c1f9f7d3e", secrets=secrets)
