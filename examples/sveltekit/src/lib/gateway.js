// The gateway, for what runs in the browser.
import { Client } from "edge-oauth-sessions-client";

export const gateway = new Client();
