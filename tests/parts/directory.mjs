// A main module around the bundle's in which the directories of users, or the sessions in them, can be out of reach, as an
// outage of the platform makes them: it stands for what cannot be caused on one machine. The product's code runs unchanged below it.

/** What to give a gateway as `entry`. */
export const BREAKABLE_DIRECTORY = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";

let mode = "well";

export class RegionDirectory extends exported.RegionDirectory {
  async ask(message) {
    if (mode === "down") throw new Error("the directory is down");
    if (mode === "hangs") await new Promise((resolve) => setTimeout(resolve, 60_000));
    const reply = await super.ask(message);
    if (mode === "late") await new Promise((resolve) => setTimeout(resolve, 2000));
    return reply;
  }
}

export class SessionActor extends exported.SessionActor {
  async ask(message) {
    if (mode === "alone") throw new Error("the session is down");
    if (mode === "unanswered") await new Promise((resolve) => setTimeout(resolve, 60_000));
    return super.ask(message);
  }
}

export default {
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/__directory") {
      mode = searchParams.get("mode");
      return Response.json({ mode });
    }
    return bundle.fetch(request, env, context);
  }
}
`;

/**
 * From now on directories are "well", "down" (every call fails), "hangs" (no call returns), "late" (it does, 2 s after), "alone":
 * they are well, but each call to a session fails, or "unanswered": none to a session returns. */
export const setDirectory = (gateway, mode) => gateway.request(`/__directory?mode=${mode}`);
