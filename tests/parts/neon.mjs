// A gateway whose sessions are in a real Postgres, behind a line that can be cut.
import { actorOf } from "./actors.mjs";
import { INSTRUMENTS } from "./instruments.mjs";
import { startLine } from "./line.mjs";
import { until } from "./process.mjs";
import { inspect } from "./sessions.mjs";
import { createWorld } from "./world.mjs";

/** How long an access token lives, in seconds. */
export const LIFE = 60;

/**
 * Starts a world on a database of its own in the server `postgres`: what createWorld gives, `database` and `line`. `url` is for
 * `Postgres.urlOf`; the rest is createWorld's.
 */
export async function createNeonWorld(t, postgres, { url = {}, vars, ...more } = {}) {
  const database = await postgres.database();
  const line = await startLine(postgres.port);
  t.after(() => line.close());
  const DATABASE_URL = postgres.urlOf(database.name, { port: line.port, ...url });
  const world = await createWorld(t, {
    hostile: { accessTokenSeconds: LIFE },
    entry: INSTRUMENTS,
    vars: { SESSION_STORE: "neon", DATABASE_URL, ...vars },
    ...more,
  });
  return { ...world, database, line };
}

/** The row of a session, by its actor's id. */
export const rowAt = async ({ database }, id) =>
  (await database.query("SELECT * FROM edge_oauth.session WHERE actor = $1", [id]))[0];
/** The row of a browser's session. */
export const rowOf = (world, browser) => rowAt(world, actorOf(browser.session));

/** The first use is written: nothing more is, until something happens. */
export const isWritten = (world, browser) =>
  until("the use is written", async () => (await rowOf(world, browser)).generation >= 3);

/** No connection is open any more. */
export const isAtRest = ({ line }) => until("no connection is open", () => line.open === 0, 5000);

/** Postgres takes the intent of a move, and nothing after it, until the line is mended. */
export function breakAfterIntent(line) {
  let writes = 0;
  line.watch = (piece) => {
    writes += piece.includes("INSERT INTO") ? 1 : 0;
    return writes > 1 ? "refuse" : undefined;
  };
}

/** The line is whole again. */
export function mend(line) {
  line.watch = undefined;
  line.mode = "through";
}

/** The move that was begun for session `id` is made, as its browser goes on. */
export const isMoved = ({ gateway }, browser, id) =>
  until("the move is made", async () => {
    await browser.api("/api");
    return (await inspect(gateway, id)).state === "moved";
  });
