-- Up Migration

-- Sessions of edge-oauth-sessions, one row each. What the gateway needs is in `record`, sealed with STATE_KEYS; the
-- other columns are copies in clear for whoever asks in SQL. Of them the gateway reads generation and kept_until alone, to
-- order writes and to drop rows: changing a row brings no session back and ends none that is in memory, and changing a record
-- or deleting a row makes its user log in again at the latest when the session's actor is next started. End sessions through
-- the gateway's administration.
CREATE TABLE edge_oauth.session (
  actor        text PRIMARY KEY CHECK (actor ~ '^[0-9a-f]{64}$'), -- the session's id, as in /admin/sessions/{id}
  generation   bigint NOT NULL CHECK (generation > 0),            -- counts the writes; the session's own number decides
  record       bytea NOT NULL,                                    -- sealed: tokens, claims, hash of the cookie's secret
  state        text NOT NULL CHECK (state IN ('active', 'moved', 'ended')),
  issuer       text NOT NULL,                                     -- iss
  subject      text NOT NULL,                                     -- sub
  region       text NOT NULL,                                     -- where the session lives: weur, enam, …
  created_at   timestamptz NOT NULL,                              -- when the user logged in
  last_used_at timestamptz,                                       -- to within a twentieth of SESSION_IDLE_SECONDS
  expires_at   timestamptz NOT NULL,                              -- the end in any case
  kept_until   timestamptz NOT NULL,                              -- from then on a write of any session may drop the row
  written_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE INDEX session_by_user ON edge_oauth.session (subject, issuer);
CREATE INDEX session_by_end ON edge_oauth.session (kept_until);

COMMENT ON TABLE edge_oauth.session IS 'Sessions of edge-oauth-sessions: sealed records, and what an operator may know of them';

-- Down Migration

DROP TABLE edge_oauth.session;
