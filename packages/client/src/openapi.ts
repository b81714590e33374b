// Made from the gateway's OpenAPI document by `make client`.

export interface paths {
    "/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Begin a login at the provider
         * @description Nothing else begins one. Only a navigation does: anything else is 400. Parameters that are not among these are dropped, and so are those that the configuration sets.
         */
        get: operations["login"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The provider sends the browser back
         * @description The redirect URI to register at the provider.
         */
        get: operations["callback"];
        put?: never;
        /**
         * The same, with OIDC_RESPONSE_MODE=form_post
         * @description Comes from the provider's site; `state` protects it.
         */
        post: operations["callbackPosted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/callback/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A provider of PROVIDERS sends the browser back
         * @description The redirect URI to register at the provider of this name.
         */
        get: operations["namedCallback"];
        put?: never;
        /**
         * The same, with OIDC_RESPONSE_MODE=form_post
         * @description Comes from the provider's site; `state` protects it.
         */
        post: operations["namedCallbackPosted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Log out, or ask whether to
         * @description Acts on a navigation with `Sec-Fetch-Site` `same-origin` or `none`; all else gets a page whose button posts.
         */
        get: operations["askToLogOut"];
        put?: never;
        /**
         * End the session here and at the provider
         * @description Revokes the refresh token. A request without a session is answered alike.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/logged-out": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The provider sends the browser back after a logout
         * @description The one post-logout redirect URI to register at the provider. The return cookie alone leads back.
         */
        get: operations["loggedOut"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is logged in
         * @description This is no use of the session: its idle time keeps running.
         */
        get: operations["getSession"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a new access token now
         * @description Joins a refresh in flight. At most one in 30 s; before that it answers with what there is.
         */
        post: operations["refreshSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where the user is logged in
         * @description Active sessions come first, the last registered or refreshed ones on top. Ended sessions are listed for seven more days. A session that has moved is listed where it lives now. A list comes in pages: `next` of one is `cursor` of the following. It is of the moment of its first page: none comes twice, whatever happens meanwhile.
         */
        get: operations["listOwnSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one of the user's own sessions
         * @description Takes effect with the next request. An ended session stays ended, with the same answer.
         */
        delete: operations["endOwnSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/captcha": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Hand in the answer to a captcha
         * @description 404 where no captcha is configured.
         */
        post: operations["solveCaptcha"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/backchannel-logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The provider has logged a user out
         * @description OpenID Connect Back-Channel Logout 1.0. The URI to register at the provider. A token with `sub` alone ends all sessions of that user, one with `sid` those of that session of the provider. Each `jti` counts once.
         */
        post: operations["backchannelLogout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/frontchannel-logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The provider is logging a user out
         * @description OpenID Connect Front-Channel Logout 1.0. The URI to register at the provider, whose logout page opens it in a frame. Ends the sessions of that session of the provider, with or without a cookie. The answer is the same whatever is named.
         */
        get: operations["frontchannelLogout"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The browser binds its session to the device
         * @description Device Bound Session Credentials (W3C). Browsers that support it send this by themselves, after an answer with `Secure-Session-Registration`. The session is found by the challenge. No page sends it: `Sec-Fetch-Mode` has to be `no-cors`.
         */
        post: operations["registerDevice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The browser proves again that it is the device
         * @description Device Bound Session Credentials (W3C). Browsers send this by themselves before a request whose proof has expired: first without an answer, for a challenge.
         */
        post: operations["refreshDevice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A page listens to its session
         * @description A WebSocket. It brings `{"event":"refreshed","access_token_expires_at"}`, `{"event":"moved","region"}` before it closes with 4002 (connect again), and `{"event":"ended","reason"}` before it closes with 4001. Of more than 20 the oldest closes with 4003. Listening is no use of the session.
         */
        get: operations["events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The public key of this client
         * @description For a provider at which the client proves itself with `private_key_jwt`: the URL to register there as its `jwks_uri`. Without `OIDC_CLIENT_KEY` there is no key in it.
         */
        get: operations["jwks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the configuration is right */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The console's address without its slash */
        get: operations["consoleWithoutSlash"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The console
         * @description At `ADMIN_ORIGIN` alone; anywhere else, and without that variable, it is 404. A page without data. It asks for the token and keeps it in memory alone.
         */
        get: operations["console"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["describe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{subject}/sessions": {
        parameters: {
            query?: {
                /** @description Whose user is meant. Needed where users of several issuers log in; any other issuer is a 400. */
                issuer?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The user's `sub`, percent-encoded.
                 * @example auth0|5f7c8ec7c33c6c004bbafe82
                 */
                subject: string;
            };
            cookie?: never;
        };
        /**
         * The sessions of a user
         * @description Active sessions come first, the last registered or refreshed ones on top. Ended sessions are listed for seven more days. A session that has moved is listed where it lives now. A list comes in pages: `next` of one is `cursor` of the following. It is of the moment of its first page: none comes twice, whatever happens meanwhile. A user whom nobody has seen has none.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /**
         * End all sessions of a user
         * @description Takes effect with the next request, for logins under way, too. Of a user with very many sessions 500 are ended before the answer, and the directory ends the rest afterwards. 503: some could not be reached yet, and the directory goes on trying.
         */
        delete: operations["endSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        /**
         * One session and its ledger
         * @description For a session that has moved, `moved_to` is its new id.
         */
        get: operations["inspectSession"];
        put?: never;
        post?: never;
        /**
         * End one session
         * @description Takes effect with the next request, and revokes the refresh token at the provider. The id of a session that has moved ends it where it lives now. An ended session stays ended, with the same answer.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/sessions/{id}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a new access token for a session
         * @description What came of it is the newest `refresh` line of the ledger. At most one in 30 s: before that, and without a refresh token, nothing is done, no such line is added, and the answer is the session as it is. The id of a session that has moved refreshes it where it lives now.
         */
        post: operations["refreshForAdmin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/sessions/{id}/migrate": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Move a session to a region
         * @description The whole grant moves to a new actor there, whatever REGION_POLICY; the user notices nothing.
         */
        post: operations["migrateSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Id: string;
        /** @description There is more: the `cursor` of the next page. */
        Next: string;
        /**
         * @description North America west and east, South America, Europe west and east, Asia-Pacific, Oceania, Africa, Middle East.
         * @enum {unknown}
         */
        Region: "wnam" | "enam" | "sam" | "weur" | "eeur" | "apac" | "oc" | "afr" | "me";
        /** Format: date-time */
        Time: string;
        /** Format: date-time */
        TimeOrNull: string | null;
        /**
         * @description `logout`: by the user here. `revoked`: by an administrator, or by the user elsewhere. `idle`, `expired`: by time. `refresh_rejected`: by the provider, which no longer renews it. `backchannel`: by the user at the provider. `superseded`: by a newer session. `limit`: by a login beyond SESSIONS_PER_USER. `device`: by a request without the proof of its device, with DEVICE_POLICY=end. `provider_removed`: its provider is no longer in PROVIDERS.
         * @enum {unknown}
         */
        EndReason: "logout" | "revoked" | "idle" | "expired" | "refresh_rejected" | "backchannel" | "superseded" | "limit" | "device" | "provider_removed";
        /** @description A session as its user sees it. */
        Session: {
            subject: string;
            /** Format: uri */
            issuer: string;
            /** @description Those of the ID token and of UserInfo. */
            claims: Record<string, never>;
            region: components["schemas"]["Region"];
            created_at: components["schemas"]["Time"];
            /** @description The end without a further use. */
            idle_expires_at: components["schemas"]["Time"];
            /** @description The end in any case. */
            expires_at: components["schemas"]["Time"];
            /** @description Null where the provider does not say. */
            access_token_expires_at: components["schemas"]["TimeOrNull"];
            provider: components["schemas"]["ProviderName"];
        };
        /** @description The name in PROVIDERS of the provider that the user logged in at. Null where there is no such table. */
        ProviderName: string | null;
        /** @description What every list shows of a session. */
        SessionFacts: {
            id: components["schemas"]["Id"];
            /** @description Where its actor was asked to live. */
            region: components["schemas"]["Region"];
            /** @description ISO 3166-1 alpha-2: where the user logged in. */
            country: string | null;
            /**
             * @description `moved`: it lives on under another id.
             * @enum {unknown}
             */
            state: "active" | "moved" | "ended";
            /** @description When the user logged in. */
            created_at: components["schemas"]["Time"];
            /** @description When a request was last proxied for it. Null for an active one in a list: it could not be reached, and whether it is still active is not known. */
            last_used_at: components["schemas"]["TimeOrNull"];
            /** @description The end in any case. */
            expires_at: components["schemas"]["Time"];
            user_agent: string | null;
            /** @description The device that it is bound to (Device Bound Session Credentials), or null. Null in a list, too, for a session that could not be reached. */
            device: {
                bound_at: components["schemas"]["Time"];
            } | null;
            provider: components["schemas"]["ProviderName"];
        };
        DeviceSession: {
            session_identifier: components["schemas"]["Id"];
            /** @constant */
            continue?: false;
            /** Format: uri-reference */
            refresh_url?: string;
            scope?: Record<string, never>;
            credentials?: Record<string, never>[];
            allowed_refresh_initiators?: string[];
        };
        SessionSummary: components["schemas"]["SessionFacts"];
        OwnSession: {
            /**
             * @description There, and true, where it is the one of this request.
             * @constant
             */
            current?: true;
        } & components["schemas"]["SessionFacts"];
        SessionDetail: {
            /** @description Null where the record cannot be read: the ledger says why. */
            subject: string | null;
            /**
             * Format: uri
             * @description Null where the record cannot be read.
             */
            issuer: string | null;
            /**
             * @description SESSION_STORE.
             * @enum {unknown}
             */
            store: "durable" | "kv" | "neon";
            /** @description How often its grant has changed hands. */
            epoch: number;
            /** @description How often its record was written. */
            generation: number;
            /** @description The next scheduled action. */
            next_alarm_at: components["schemas"]["TimeOrNull"];
            /** @description Null where the provider does not say, or where there is none. */
            access_token_expires_at: components["schemas"]["TimeOrNull"];
            /** @description There where `state` is `moved`: the id under which it lives on. */
            moved_to?: components["schemas"]["Id"];
            /** @description The last 100 events, oldest first. */
            ledger: components["schemas"]["LedgerEntry"][];
        } & components["schemas"]["SessionFacts"];
        /** @description Something that happened to a session. */
        LedgerEntry: {
            at: components["schemas"]["Time"];
            /** @enum {unknown} */
            event: "complete" | "get_denied" | "refresh" | "observe" | "migrate" | "revoke" | "end" | "alarm" | "device";
            /** @description `ok`, or what kind of failure; of an `end` its reason. */
            outcome: string;
            /** @enum {unknown} */
            cause: "request" | "alarm" | "admin" | "directory" | "backchannel";
            /** @description Which administrator, where one caused it: `token`, or `access:` and the name at Cloudflare Access. */
            by?: string;
            region: components["schemas"]["Region"] | null;
            duration_ms: number;
            /** @description The same in words. */
            detail: string;
        };
        /** @description RFC 9457. */
        Problem: {
            /** Format: uri-reference */
            type: string;
            title: string;
            status: number;
            /** @enum {unknown} */
            code: "login_required" | "session_ended" | "invalid_token" | "csrf_rejected" | "captcha_required" | "device_required" | "device_proof_required" | "bot_score_too_low" | "forbidden" | "bad_request" | "callback_rejected" | "not_found" | "method_not_allowed" | "too_large" | "rate_limited" | "provider_rejected" | "provider_unavailable" | "upstream_unavailable" | "upstream_timeout" | "store_unavailable" | "config_invalid";
            detail: string;
            /** @description Finds the request in the log. */
            ray: string;
            /** @description With `session_ended`. */
            reason?: components["schemas"]["EndReason"];
            /**
             * Format: uri-reference
             * @description With `login_required`, where the session comes from a login that is not enough (RFC 9470): the login that is, to which `return_to` is added.
             */
            login?: string;
            /** @description With `config_invalid`. */
            problems?: {
                variable: string;
                message: string;
            }[];
        };
    };
    responses: {
        /** @description A page. */
        Page: {
            headers: {
                "Content-Security-Policy": components["headers"]["Content-Security-Policy"];
                [name: string]: unknown;
            };
            content: {
                "text/html": string;
            };
        };
        /** @description With COOKIE_SAME_SITE=strict: a page that continues to `return_to` automatically. */
        GoesOn: {
            headers: {
                "Set-Cookie": components["headers"]["Set-Cookie"];
                [name: string]: unknown;
            };
            content: {
                "text/html": string;
            };
        };
        /** @description To the login's `return_to`, with a session. */
        LoggedIn: {
            headers: {
                Location: components["headers"]["Location"];
                "Set-Cookie": components["headers"]["Set-Cookie"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description To the provider's end-session endpoint, or to `return_to`, or to `/logged-out`. */
        LoggedOut: {
            headers: {
                Location: components["headers"]["Location"];
                "Set-Cookie": components["headers"]["Set-Cookie"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description The session. */
        Session: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "subject": "auth0|5f7c8ec7c33c6c004bbafe82",
                 *       "issuer": "https://login.example.com",
                 *       "claims": {
                 *         "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
                 *         "name": "Ada Lovelace",
                 *         "email": "ada@example.com"
                 *       },
                 *       "region": "weur",
                 *       "created_at": "2026-11-24T09:12:33.021Z",
                 *       "idle_expires_at": "2026-11-25T11:40:02.5Z",
                 *       "expires_at": "2026-12-01T09:12:33.021Z",
                 *       "access_token_expires_at": "2026-11-24T12:12:33Z",
                 *       "provider": null
                 *     }
                 */
                "application/json": components["schemas"]["Session"];
            };
        };
        /** @description The session. */
        SessionDetail: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "id": "5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c",
                 *       "region": "weur",
                 *       "country": "DE",
                 *       "state": "active",
                 *       "created_at": "2026-11-24T09:12:33.021Z",
                 *       "last_used_at": "2026-11-24T11:40:02.5Z",
                 *       "expires_at": "2026-12-01T09:12:33.021Z",
                 *       "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
                 *       "device": null,
                 *       "provider": null,
                 *       "subject": "auth0|5f7c8ec7c33c6c004bbafe82",
                 *       "issuer": "https://login.example.com",
                 *       "store": "durable",
                 *       "epoch": 0,
                 *       "generation": 7,
                 *       "next_alarm_at": "2026-11-24T12:01:10Z",
                 *       "access_token_expires_at": "2026-11-24T12:12:33Z",
                 *       "ledger": [
                 *         {
                 *           "at": "2026-11-24T09:12:33.021Z",
                 *           "event": "complete",
                 *           "outcome": "ok",
                 *           "cause": "request",
                 *           "region": "weur",
                 *           "duration_ms": 240,
                 *           "detail": "the user logged in"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["SessionDetail"];
            };
        };
        /** @description What the browser has to do: which cookie proves the session, where, and how it is renewed. `continue` is false for a session that is over. */
        DeviceSession: {
            headers: {
                "Set-Cookie": components["headers"]["Set-Cookie"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["DeviceSession"];
            };
        };
        /** @description The session is not bound. The log says why. */
        DeviceRefused: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `bad_request`: the detail says what cannot be understood. */
        BadRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Bad request",
                 *       "status": 400,
                 *       "code": "bad_request",
                 *       "detail": "return_to must be an address on this site, such as /path?query.",
                 *       "ray": "8f0c2a6e1b3d4f5a-FRA"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `callback_rejected`: the login failed; the detail says at which check. */
        CallbackRejected: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Login failed",
                 *       "status": 400,
                 *       "code": "callback_rejected",
                 *       "detail": "The login could not be completed: the callback does not belong to a login of this browser.",
                 *       "ray": "8f0c2a6e1b3d4f5a-FRA"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `login_required`: there is no session. `session_ended`: there was one; `reason` says what became of it. */
        NoSession: {
            headers: {
                "Set-Cookie": components["headers"]["Set-Cookie"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Session ended",
                 *       "status": 401,
                 *       "code": "session_ended",
                 *       "detail": "The session has ended: it was revoked.",
                 *       "ray": "8f0c2a6e1b3d4f5a-FRA",
                 *       "reason": "revoked"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `invalid_token`: the administrators' token is missing or wrong, and Cloudflare Access does not answer for the request. */
        InvalidToken: {
            headers: {
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Invalid token",
                 *       "status": 401,
                 *       "code": "invalid_token",
                 *       "detail": "This needs the administrators' token as a bearer token.",
                 *       "ray": "8f0c2a6e1b3d4f5a-FRA"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `csrf_rejected`: another site may have sent the request. */
        CsrfRejected: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Cross-site request rejected",
                 *       "status": 403,
                 *       "code": "csrf_rejected",
                 *       "detail": "The request changes something but does not come from this site.",
                 *       "ray": "8f0c2a6e1b3d4f5a-FRA"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `not_found`: there is nothing at this address. */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Not found",
                 *       "status": 404,
                 *       "code": "not_found",
                 *       "detail": "There is nothing at this address.",
                 *       "ray": "8f0c2a6e1b3d4f5a-FRA"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `session_ended`: it can no longer be refreshed or moved; `reason` says why. */
        AlreadyEnded: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Session ended",
                 *       "status": 409,
                 *       "code": "session_ended",
                 *       "detail": "The session has ended: it was logged out.",
                 *       "ray": "8f0c2a6e1b3d4f5a-FRA",
                 *       "reason": "logout"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `too_large`: the body is longer than 64 KiB. */
        TooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `provider_rejected`: the provider refuses the gateway, or answers nonsense. */
        ProviderRejected: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description `store_unavailable`: sessions cannot be read. `provider_unavailable`: the provider does not answer. */
        Unavailable: {
            headers: {
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Sessions unavailable",
                 *       "status": 503,
                 *       "code": "store_unavailable",
                 *       "detail": "Sessions cannot be read at the moment.",
                 *       "ray": "8f0c2a6e1b3d4f5a-FRA"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
        /** @description Any other problem: `not_found` at a host that is not the gateway's, `method_not_allowed` with `Allow`, `config_invalid`. */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
                "text/html": string;
            };
        };
    };
    parameters: {
        /**
         * @description The id of a session: that of its actor.
         * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
         */
        Id: components["schemas"]["Id"];
        /** @description How many sessions a page has at most. */
        Limit: number;
        /** @description `next` of the page before. */
        Cursor: string;
        /**
         * @description Where the browser goes afterwards: an address on this site.
         * @example /bye
         */
        ReturnTo: string;
    };
    requestBodies: never;
    headers: {
        /** @description Where the browser goes now. */
        Location: string;
        /** @description One of the gateway's cookies, or the end of one. */
        "Set-Cookie": string;
        /** @description Seconds after which to try again. */
        "Retry-After": number;
        /** @description RFC 6750 section 3. */
        "WWW-Authenticate": "Bearer error=\"invalid_token\"";
        /** @description Scripts and styles of the page's own alone, and no frames around it. */
        "Content-Security-Policy": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    login: {
        parameters: {
            query?: {
                /**
                 * @description Where the browser goes afterwards: an address on this site.
                 * @example /orders?page=2
                 */
                return_to?: string;
                /**
                 * @description Which provider of PROVIDERS to log in at.
                 * @example corp
                 */
                provider?: string;
                /**
                 * @description OpenID Connect Core 3.1.2.1. `none`: where the user would have to do something, the browser comes back without a session.
                 * @example login
                 */
                prompt?: string;
                /**
                 * @description Whom the provider may expect.
                 * @example ada@example.com
                 */
                login_hint?: string;
                /**
                 * @description Which form to show, at providers that know this.
                 * @example signup
                 */
                screen_hint?: string;
                /** @description The organization to log in to, at providers that know this. */
                organization?: string;
                /** @description The identity provider behind the provider, at providers that know this. */
                connection?: string;
                /**
                 * @description Languages, as OpenID Connect Core 3.1.2.1 has them.
                 * @example de en
                 */
                ui_locales?: string;
                /** @description The domain of the user's account, at providers that know this. */
                domain_hint?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page on which the user chooses a provider, where there are several and nothing says which one is meant. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description To the provider's authorization endpoint. */
            302: {
                headers: {
                    Location: components["headers"]["Location"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            429: components["responses"]["Problem"];
            502: components["responses"]["ProviderRejected"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    callback: {
        parameters: {
            query?: {
                state?: string;
                code?: string;
                /** @description RFC 9207. */
                iss?: string;
                /** @description RFC 6749 section 4.1.2.1. */
                error?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["GoesOn"];
            303: components["responses"]["LoggedIn"];
            400: components["responses"]["CallbackRejected"];
            502: components["responses"]["ProviderRejected"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    callbackPosted: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": {
                    state?: string;
                    code?: string;
                    iss?: string;
                    error?: string;
                };
            };
        };
        responses: {
            200: components["responses"]["GoesOn"];
            303: components["responses"]["LoggedIn"];
            400: components["responses"]["CallbackRejected"];
            413: components["responses"]["TooLarge"];
            502: components["responses"]["ProviderRejected"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    namedCallback: {
        parameters: {
            query?: {
                state?: string;
                code?: string;
                /** @description RFC 9207. */
                iss?: string;
                /** @description RFC 6749 section 4.1.2.1. */
                error?: string;
            };
            header?: never;
            path: {
                /** @description The provider's name in PROVIDERS. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["GoesOn"];
            303: components["responses"]["LoggedIn"];
            400: components["responses"]["CallbackRejected"];
            502: components["responses"]["ProviderRejected"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    namedCallbackPosted: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The provider's name in PROVIDERS. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": {
                    state?: string;
                    code?: string;
                    iss?: string;
                    error?: string;
                };
            };
        };
        responses: {
            200: components["responses"]["GoesOn"];
            303: components["responses"]["LoggedIn"];
            400: components["responses"]["CallbackRejected"];
            413: components["responses"]["TooLarge"];
            502: components["responses"]["ProviderRejected"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    askToLogOut: {
        parameters: {
            query?: {
                /**
                 * @description Where the browser goes afterwards: an address on this site.
                 * @example /bye
                 */
                return_to?: components["parameters"]["ReturnTo"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            303: components["responses"]["LoggedOut"];
            400: components["responses"]["BadRequest"];
            default: components["responses"]["Problem"];
        };
    };
    logout: {
        parameters: {
            query?: {
                /**
                 * @description Where the browser goes afterwards: an address on this site.
                 * @example /bye
                 */
                return_to?: components["parameters"]["ReturnTo"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "return_to": "/bye"
                 *     }
                 */
                "application/x-www-form-urlencoded": {
                    /** @description An address on this site. */
                    return_to?: string;
                };
            };
        };
        responses: {
            303: components["responses"]["LoggedOut"];
            400: components["responses"]["BadRequest"];
            403: components["responses"]["CsrfRejected"];
            413: components["responses"]["TooLarge"];
            default: components["responses"]["Problem"];
        };
    };
    loggedOut: {
        parameters: {
            query?: {
                /** @description Where it is there, it must be the logout's. */
                state?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            /** @description To the logout's `return_to`. */
            303: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Session"];
            401: components["responses"]["NoSession"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    refreshSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/x-www-form-urlencoded": {
                    /** @description Switch to this organization (WorkOS). */
                    organization?: string;
                };
            };
        };
        responses: {
            200: components["responses"]["Session"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoSession"];
            403: components["responses"]["CsrfRejected"];
            413: components["responses"]["TooLarge"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    listOwnSessions: {
        parameters: {
            query?: {
                /** @description How many sessions a page has at most. */
                limit?: components["parameters"]["Limit"];
                /** @description `next` of the page before. */
                cursor?: components["parameters"]["Cursor"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user's own sessions, one of them with `"current": true`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "sessions": [
                     *         {
                     *           "id": "5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c",
                     *           "region": "weur",
                     *           "country": "DE",
                     *           "state": "active",
                     *           "created_at": "2026-11-24T09:12:33.021Z",
                     *           "last_used_at": "2026-11-24T11:40:02.5Z",
                     *           "expires_at": "2026-12-01T09:12:33.021Z",
                     *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
                     *           "device": null,
                     *           "provider": null,
                     *           "current": true
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        sessions: components["schemas"]["OwnSession"][];
                        next?: components["schemas"]["Next"];
                    };
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoSession"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    endOwnSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session has ended. If it was the current one, its cookie is deleted. */
            204: {
                headers: {
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["NoSession"];
            403: components["responses"]["CsrfRejected"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    solveCaptcha: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": {
                    /** @description What Turnstile's widget put into the form. */
                    "cf-turnstile-response": string;
                    /** @description An address on this site. */
                    return_to?: string;
                };
            };
        };
        responses: {
            /** @description To `return_to`, with a clearance. */
            303: {
                headers: {
                    Location: components["headers"]["Location"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            /** @description `captcha_required`: the answer is not accepted. `csrf_rejected`: another site may have sent the request. */
            403: {
                headers: {
                    /** @description `captcha`, with `captcha_required`. */
                    "cf-challenge"?: "captcha";
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "text/html": string;
                };
            };
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            default: components["responses"]["Problem"];
        };
    };
    backchannelLogout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": {
                    /** @description A JWT, signed by the provider. */
                    logout_token: string;
                };
            };
        };
        responses: {
            /** @description The sessions have ended. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            413: components["responses"]["TooLarge"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    frontchannelLogout: {
        parameters: {
            query?: {
                /** @description The provider's session, as the ID token names it. */
                sid?: string;
                /** @description The provider's issuer, where it sends it. Needed where users of several issuers log in. */
                iss?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An empty page, which pages of the issuer and of its end-session endpoint may frame. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    registerDevice: {
        parameters: {
            query?: never;
            header: {
                /** @description A JWT of the type `dbsc+jwt`, with the public key in its header and the challenge in `jti`. */
                "Secure-Session-Response": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["DeviceSession"];
            400: components["responses"]["BadRequest"];
            403: components["responses"]["DeviceRefused"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    refreshDevice: {
        parameters: {
            query?: never;
            header: {
                /** @description The session that the registration named. */
                "Sec-Secure-Session-Id": components["schemas"]["Id"];
                /** @description A JWT of the type `dbsc+jwt` with the challenge in `jti`, signed with the device's key. */
                "Secure-Session-Response"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["DeviceSession"];
            400: components["responses"]["BadRequest"];
            /** @description What the device has to sign. */
            403: {
                headers: {
                    "Secure-Session-Challenge"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The WebSocket is open. */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoSession"];
            403: components["responses"]["CsrfRejected"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    jwks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A JSON Web Key Set (RFC 7517), of public keys alone. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "keys": [
                     *         {
                     *           "kty": "OKP",
                     *           "crv": "Ed25519",
                     *           "use": "sig",
                     *           "alg": "EdDSA",
                     *           "kid": "2026-11",
                     *           "x": "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        keys: Record<string, never>[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    "application/json": {
                        /** @constant */
                        status: "ok";
                    };
                };
            };
            /** @description `config_invalid`: each variable that is missing or wrong, and what to put there. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Gateway not configured",
                     *       "status": 500,
                     *       "code": "config_invalid",
                     *       "detail": "The gateway is not configured: 1 of its variables need attention.",
                     *       "ray": "8f0c2a6e1b3d4f5a-FRA",
                     *       "problems": [
                     *         {
                     *           "variable": "OIDC_ISSUER",
                     *           "message": "is missing: the issuer's https URL"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                    "text/html": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    consoleWithoutSlash: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description To `/admin/`. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["NotFound"];
            default: components["responses"]["Problem"];
        };
    };
    console: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            404: components["responses"]["NotFound"];
            default: components["responses"]["Problem"];
        };
    };
    describe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            404: components["responses"]["NotFound"];
            default: components["responses"]["Problem"];
        };
    };
    listSessions: {
        parameters: {
            query?: {
                /** @description Whose user is meant. Needed where users of several issuers log in; any other issuer is a 400. */
                issuer?: string;
                /** @description How many sessions a page has at most. */
                limit?: components["parameters"]["Limit"];
                /** @description `next` of the page before. */
                cursor?: components["parameters"]["Cursor"];
            };
            header?: never;
            path: {
                /**
                 * @description The user's `sub`, percent-encoded.
                 * @example auth0|5f7c8ec7c33c6c004bbafe82
                 */
                subject: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "subject": "auth0|5f7c8ec7c33c6c004bbafe82",
                     *       "issuer": "https://login.example.com",
                     *       "sessions": [
                     *         {
                     *           "id": "5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c",
                     *           "region": "weur",
                     *           "country": "DE",
                     *           "state": "active",
                     *           "created_at": "2026-11-24T09:12:33.021Z",
                     *           "last_used_at": "2026-11-24T11:40:02.5Z",
                     *           "expires_at": "2026-12-01T09:12:33.021Z",
                     *           "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
                     *           "device": null,
                     *           "provider": null
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        subject: string;
                        /** Format: uri */
                        issuer: string;
                        sessions: components["schemas"]["SessionSummary"][];
                        next?: components["schemas"]["Next"];
                    };
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["InvalidToken"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    endSessions: {
        parameters: {
            query?: {
                /** @description Whose user is meant. Needed where users of several issuers log in; any other issuer is a 400. */
                issuer?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The user's `sub`, percent-encoded.
                 * @example auth0|5f7c8ec7c33c6c004bbafe82
                 */
                subject: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many it ended. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 2
                     *     }
                     */
                    "application/json": {
                        revoked: number;
                    };
                };
            };
            /** @description How many it ended, and how many are still to end. No login from before outlives it. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 500,
                     *       "pending": 1500
                     *     }
                     */
                    "application/json": {
                        revoked: number;
                        pending: number;
                    };
                };
            };
            401: components["responses"]["InvalidToken"];
            403: components["responses"]["CsrfRejected"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    inspectSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["SessionDetail"];
            401: components["responses"]["InvalidToken"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is over. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["InvalidToken"];
            403: components["responses"]["CsrfRejected"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    refreshForAdmin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["SessionDetail"];
            401: components["responses"]["InvalidToken"];
            403: components["responses"]["CsrfRejected"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["AlreadyEnded"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
    migrateSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of a session: that of its actor.
                 * @example 5f2b0c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
                 */
                id: components["parameters"]["Id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "region": "weur"
                 *     }
                 */
                "application/json": {
                    region: components["schemas"]["Region"];
                };
            };
        };
        responses: {
            200: components["responses"]["SessionDetail"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["InvalidToken"];
            403: components["responses"]["CsrfRejected"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["AlreadyEnded"];
            413: components["responses"]["TooLarge"];
            503: components["responses"]["Unavailable"];
            default: components["responses"]["Problem"];
        };
    };
}
