// Starts it for `make dev EXAMPLE=sveltekit`.
import { startProject } from "../project.mjs";
import { folderOf } from "../serve.mjs";

export const start = () => startProject(folderOf(import.meta.url));
