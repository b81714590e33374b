// Starts it for `make dev EXAMPLE=nextjs`.
import { startProject } from "../project.mjs";
import { folderOf } from "../serve.mjs";

export const start = () => startProject(folderOf(import.meta.url));
