-- The gateway's table as its two migrations create it, for a trial without a gateway. Those migrations do not expect an
-- existing table, so if a gateway runs, let it create the table itself.
CREATE TABLE IF NOT EXISTS {{schema}}.tensorzero_auth_api_key (
    id BIGSERIAL PRIMARY KEY,
    organization TEXT NOT NULL,
    workspace TEXT NOT NULL,
    description TEXT,
    public_id CHAR(12) NOT NULL,
    hash VARCHAR(255) NOT NULL,
    disabled_at TIMESTAMPTZ NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at TIMESTAMPTZ,
    CONSTRAINT uniq_public_id UNIQUE (public_id)
)
