// A gateway whose sessions are in a real Postgres, behind a line that can be cut.
import { actorOf } from "./actors.mjs";
import { INSTRUMENTS } from "./instruments.mjs";
import { startLine } from "./line.mjs";
import { until } from "./process.mjs";
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
  until("the use is written", async () => (await rowOf(world, browser)).generation >= 4);

/** No connection is open any more. */
export const isAtRest = ({ line }) => until("no connection is open", () => line.open === 0, 5000);
